import { sizeOf } from "../base/tensor.ts";
import { expand, keptShape, reduced, reduceSum, reshape } from "../graph/coreOperators.ts";
import { like } from "../graph/infer.ts";
import { defineOp, int } from "../graph/operator.ts";
import { constantNumbers, type Value } from "../graph/value.ts";
import { add, div, exp, max, mul, neg, sign, sub } from "./arithmetic.ts";
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

/** ln Σ x. d/dx = 1/Σ x = e^−y. */
export const reduceLogSum = defineOp("ReduceLogSum", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceLogSum", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => [
    expand(kept("ReduceLogSum", mul(dy, exp(neg(y))), x, axes), x.staticShape),
  ],
});

/** Π x. d/dx is the product of the others, exact where some are 0: 0 as soon as one of the others is. */
export const reduceProd = defineOp("ReduceProd", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceProd", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes] }) => {
    const isZero = cast(equal(x, 0), x.dtype);
    const nonZero = add(x, isZero); // 1 in place of 0
    const product = kept("ReduceProd", reduceProd(nonZero, axes, { keepdims: 1 }), x, axes);
    const zeros = kept("ReduceProd", reduceSum(isZero, axes, { keepdims: 1 }), x, axes);
    const alone = cast(equal(zeros, isZero), x.dtype); // no other is 0
    return [mul(mul(alone, div(product, nonZero)), kept("ReduceProd", dy, x, axes))];
  },
});

/** y_i = Σ x_j over j ≤ i along an axis; `exclusive`: j < i; `reverse`: from the end. dx sums the other way. */
export const cumSum = defineOp("CumSum", {
  inputs: ["x", "axis"],
  attributes: { exclusive: int(0), reverse: int(0) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [, axis], attributes: { exclusive, reverse } }): (Value | undefined)[] => [
    cumSum(dy, axis, { exclusive, reverse: 1 - reverse }),
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
