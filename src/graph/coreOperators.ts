import { broadcastShapes, type Dim, product, remainingDim } from "../base/shapes.ts";
import { axisOf, broadcast, numbersOf, shapeError } from "./infer.ts";
import { defineOp, int } from "./operator.ts";
import type { Value } from "./value.ts";

/** The four operators that the backward sweep itself writes; `ops/` passes them on with the others. */

/** Elementwise sum, broadcasting. */
export const add = defineOp("Add", {
  elementwise: true,
  inputs: ["a", "b"],
  weights: ["a", "b"],
  infer: ([a, b]) => [broadcast("Add", a, b)],
  vjp: ([dy]) => [dy, dy],
});

/** Broadcasts `x` to a constant shape. The sweep sums the cotangent back. */
export const expand = defineOp("Expand", {
  inputs: ["x", "shape"],
  infer: ([x, shape]) => {
    const target = numbersOf("Expand", shape, "shape");
    const result = broadcastShapes(x.shape, target);
    if (result === undefined) throw shapeError("Expand", `[${x.shape}] does not broadcast to [${target}]`);
    return [{ dtype: x.dtype, shape: result }];
  },
  vjp: ([dy]) => [dy],
});

/** The same elements in another shape; 0 keeps a length, -1 is what remains. */
export const reshape = defineOp("Reshape", {
  inputs: ["x", "shape"],
  attributes: { allowzero: int(0) },
  infer: ([x, shape], { allowzero }) => {
    const target = numbersOf("Reshape", shape, "shape").map(
      (dim, i): Dim => (dim === 0 && !allowzero ? x.shape[i] : dim),
    );
    const free = target.indexOf(-1);
    const total = product(x.shape);
    const rest = product(target.filter((dim) => dim !== -1));
    if (free >= 0) target[free] = remainingDim(total, rest);
    const filled = product(target);
    if (typeof total === "number" && typeof filled === "number" && total !== filled) {
      throw shapeError("Reshape", `${total} elements of [${x.shape}] do not fill [${target}]`);
    }
    return [{ dtype: x.dtype, shape: target }];
  },
  vjp: ([dy], { inputs: [x] }): Value[] => [reshape(dy, x.staticShape)],
});

/** Sum over `axes` (all when left out). */
export const reduceSum = defineOp("ReduceSum", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceSum", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes] }) => [expand(reshape(dy, keptShape("ReduceSum", x, axes)), x.staticShape)],
});

/** The type of a reduction of `x` over `axes`. */
export function reduced(operator: string, x: Value, axes: Value | undefined, keepdims: number) {
  const dropped = reducedAxes(operator, x, axes);
  const shape: Dim[] = [];
  for (const [axis, dim] of x.shape.entries()) {
    if (!dropped.has(axis)) shape.push(dim);
    else if (keepdims) shape.push(1);
  }
  return { dtype: x.dtype, shape };
}

/** The shape of `x` with length 1 on the reduced axes. */
export function keptShape(operator: string, x: Value, axes: Value | undefined): readonly number[] {
  const dropped = reducedAxes(operator, x, axes);
  return x.staticShape.map((dim, axis) => (dropped.has(axis) ? 1 : dim));
}

export function reducedAxes(operator: string, x: Value, axes: Value | undefined): ReadonlySet<number> {
  const list = axes === undefined ? [] : numbersOf(operator, axes, "axes");
  if (list.length === 0) return new Set(x.shape.keys());
  return new Set(list.map((axis) => axisOf(operator, axis, x.rank)));
}
