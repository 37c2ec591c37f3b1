import { sizeOf } from "../base/tensor.ts";
import { expand, keptShape, reduced, reduceSum, reshape } from "../graph/coreOperators.ts";
import { defineOp, int } from "../graph/operator.ts";
import { constantNumbers, type Value } from "../graph/value.ts";
import { div, exp, max, mul, sign, sub } from "./arithmetic.ts";
import { cast, equal } from "./comparison.ts";

export { reduceSum };

/** Mean over `axes` (all when left out). */
export const reduceMean = defineOp("ReduceMean", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceMean", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => {
    const count = sizeOf(x.staticShape) / Math.max(1, sizeOf(y.staticShape));
    const kept = reshape(mul(dy, 1 / count), keptShape("ReduceMean", x, axes));
    return [expand(kept, x.staticShape)];
  },
});

/** Largest entry over `axes`; equal ones share the gradient, as in PyTorch's `amax`. */
export const reduceMax = defineOp("ReduceMax", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceMax", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => [toExtremes("ReduceMax", dy, x, axes, y)],
});

/** Smallest entry over `axes`; equal ones share the gradient. */
export const reduceMin = defineOp("ReduceMin", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceMin", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => [toExtremes("ReduceMin", dy, x, axes, y)],
});

/** Σ |x|. */
export const reduceL1 = defineOp("ReduceL1", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceL1", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes] }) => [mul(kept("ReduceL1", dy, x, axes), sign(x))],
});

/** √Σ x². d/dx = x/y; 0 where y = 0, as in PyTorch. */
export const reduceL2 = defineOp("ReduceL2", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceL2", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => [mul(x, kept("ReduceL2", div(dy, max(y, 1e-30)), x, axes))],
});

/** Σ x². */
export const reduceSumSquare = defineOp("ReduceSumSquare", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceSumSquare", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes] }) => [mul(x, kept("ReduceSumSquare", mul(dy, 2), x, axes))],
});

/** ln Σ e^x, stable. d/dx = e^(x − y). */
export const reduceLogSumExp = defineOp("ReduceLogSumExp", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceLogSumExp", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => [
    mul(kept("ReduceLogSumExp", dy, x, axes), exp(sub(x, kept("ReduceLogSumExp", y, x, axes)))),
  ],
});

/** A reduced value in the shape that broadcasts against x. */
function kept(name: string, value: Value, x: Value, axes: Value | undefined): Value {
  return reshape(value, keptShape(name, x, axes));
}

function toExtremes(name: string, dy: Value, x: Value, axes: Value | undefined, y: Value): Value {
  const isExtreme = cast(equal(x, kept(name, y, x, axes)), x.dtype);
  const list = axes && constantNumbers(axes);
  const count = list === undefined ? reduceSum(isExtreme) : reduceSum(isExtreme, [...list], { keepdims: 1 });
  return mul(isExtreme, div(kept(name, dy, x, axes), count));
}
