import { axisOf, like } from "../graph/infer.ts";
import { defineOp, float, int } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { add, exp, mul, sub } from "./arithmetic.ts";
import { cast, greater } from "./comparison.ts";
import { reduceSum } from "./reductions.ts";

/** max(0, min(1, alpha·x + beta)). d/dx = alpha where 0 < y < 1, else 0. */
export const hardSigmoid = defineOp("HardSigmoid", {
  elementwise: true,
  inputs: ["x"],
  attributes: { alpha: float(0.2), beta: float(0.5) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y], attributes: { alpha } }): Value[] => [mul(dy, mul(isPositive(mul(y, sub(1, y))), alpha))],
});

/** 1 where y > 0, else 0, for y ≥ 0: a ramp so steep that only subnormal numbers lie on it. Of the ways tried the fastest, 4× Sign. */
export function isPositive(y: Value): Value {
  return hardSigmoid(y, { alpha: 3e38, beta: 0 });
}

/** max(x, 0). d/dx = 1 where y > 0, else 0. */
export const relu = defineOp("Relu", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y] }) => [mul(dy, isPositive(y))],
});

/** x where x ≥ 0, else alpha·x. */
export const leakyRelu = defineOp("LeakyRelu", {
  elementwise: true,
  inputs: ["x"],
  attributes: { alpha: float(0.01) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x], attributes: { alpha } }) => {
    const positive = cast(greater(x, 0), x.dtype);
    return [mul(dy, add(mul(positive, 1 - alpha), alpha))];
  },
});

/** 1 / (1 + e^−x). d/dx = y(1 − y). */
export const sigmoid = defineOp("Sigmoid", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y] }) => [mul(dy, sub(y, mul(y, y)))],
});

/** Hyperbolic tangent. d/dx = 1 − y². */
export const tanh = defineOp("Tanh", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y] }) => [sub(dy, mul(dy, mul(y, y)))],
});

/** ln(1 + e^x), stable. d/dx = sigmoid(x). */
export const softplus = defineOp("Softplus", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => [mul(dy, sigmoid(x))],
});

/** x limited to [min, max]. d/dx = 1 strictly within the limits, else 0, as PyTorch's `hardtanh` and `relu6` have it. */
export const clip = defineOp("Clip", {
  elementwise: true,
  inputs: ["x", "min?", "max?"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [, min, max], outputs: [y] }) => {
    // From y alone, so that x need not be kept: min ≤ y ≤ max.
    const above = min && sub(y, min);
    const below = max && sub(max, y);
    const inside = above && below ? mul(above, below) : (above ?? below);
    return [inside === undefined ? dy : mul(dy, isPositive(inside))];
  },
});

/** e^xᵢ / Σ e^xⱼ along `axis`. dx = y·(dy − Σ dy·y). */
export const softmax = defineOp("Softmax", {
  inputs: ["x"],
  attributes: { axis: int(-1) },
  infer: ([x], { axis }) => [alongAxis("Softmax", x, axis)],
  vjp: ([dy], { outputs: [y], attributes: { axis } }) => {
    const weighted = reduceSum(mul(dy, y), [axis], { keepdims: 1 });
    return [mul(y, sub(dy, weighted))];
  },
});

/** ln softmax(x) along `axis`, stable. dx = dy − e^y · Σ dy. */
export const logSoftmax = defineOp("LogSoftmax", {
  inputs: ["x"],
  attributes: { axis: int(-1) },
  infer: ([x], { axis }) => [alongAxis("LogSoftmax", x, axis)],
  vjp: ([dy], { outputs: [y], attributes: { axis } }) => [sub(dy, mul(exp(y), reduceSum(dy, [axis], { keepdims: 1 })))],
});

function alongAxis(name: string, x: Value, axis: number) {
  axisOf(name, axis, x.rank);
  return like(x);
}
