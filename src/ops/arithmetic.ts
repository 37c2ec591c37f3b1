import { add } from "../graph/coreOperators.ts";
import { broadcast, like } from "../graph/infer.ts";
import { defineOp, int } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { cast, equal } from "./comparison.ts";

export { add };

/** a − b, broadcasting. */
export const sub = defineOp("Sub", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => [broadcast("Sub", a, b)],
  vjp: ([dy]) => [dy, neg(dy)],
});

/** a · b, elementwise, broadcasting. */
export const mul = defineOp("Mul", {
  elementwise: true,
  inputs: ["a", "b"],
  weights: ["a", "b"],
  infer: ([a, b]) => [broadcast("Mul", a, b)],
  vjp: ([dy], { inputs: [a, b] }): Value[] => [mul(dy, b), mul(dy, a)],
});

/** a / b, elementwise, broadcasting. d/db = −a/b² = −y/b. */
export const div = defineOp("Div", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => [broadcast("Div", a, b)],
  vjp: ([dy], { inputs: [, b], outputs: [y] }): Value[] => [div(dy, b), neg(div(mul(dy, y), b))],
});

/** x^p, broadcasting. d/dx = p·x^(p−1), d/dp = y·ln x. */
export const pow = defineOp("Pow", {
  elementwise: true,
  inputs: ["x", "exponent"],
  infer: ([x, exponent]) => [{ ...broadcast("Pow", x, exponent), dtype: x.dtype }],
  vjp: ([dy], { inputs: [x, p], outputs: [y] }): Value[] => [
    mul(dy, mul(p, pow(x, sub(p, 1)))),
    mul(dy, mul(y, log(x))),
  ],
});

/**
 * What remains of a / b: with the divisor's sign, or, `fmod` = 1 and always for floats, the dividend's. Then y = a − b·trunc(a/b),
 * so da = dy and db = −trunc(a/b)·dy.
 */
export const mod = defineOp("Mod", {
  elementwise: true,
  inputs: ["a", "b"],
  attributes: { fmod: int(0) },
  infer: ([a, b]) => [broadcast("Mod", a, b)],
  // (a − y)/b is whole but for its rounding.
  vjp: ([dy], { inputs: [a, b], outputs: [y] }) => [dy, neg(mul(dy, round(div(sub(a, y), b))))],
});

/** −x. */
export const neg = defineOp("Neg", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy]): Value[] => [neg(dy)],
});

/** |x|; the gradient at 0 is 0. */
export const abs = defineOp("Abs", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => [mul(dy, sign(x))],
});

/** −1, 0 or 1; its gradient is 0 everywhere. */
export const sign = defineOp("Sign", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: () => [undefined],
});

/** e^x. */
export const exp = defineOp("Exp", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y] }) => [mul(dy, y)],
});

/** Natural logarithm. */
export const log = defineOp("Log", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => [div(dy, x)],
});

/** √x. d/dx = 1/(2y). */
export const sqrt = defineOp("Sqrt", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y] }) => [div(dy, mul(y, 2))],
});

/** 1/x. d/dx = −y². */
export const reciprocal = defineOp("Reciprocal", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y] }) => [neg(mul(dy, mul(y, y)))],
});

/** The nearest integer, halves to even; its gradient is 0 everywhere. */
export const round = defineOp("Round", { inputs: ["x"], infer: ([x]) => [like(x)], vjp: () => [undefined] });

/** The next integer below; its gradient is 0 everywhere. */
export const floor = defineOp("Floor", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: () => [undefined],
});

/** The largest of the operands, elementwise, broadcasting. */
export const max = defineOp("Max", {
  elementwise: true,
  inputs: ["...xs"],
  infer: (xs) => [broadcast("Max", ...xs)],
  vjp: ([dy], { inputs: xs, outputs: [y] }) => shareAmong(dy, xs, y),
});

/** The smallest of the operands, elementwise, broadcasting. */
export const min = defineOp("Min", {
  elementwise: true,
  inputs: ["...xs"],
  infer: (xs) => [broadcast("Min", ...xs)],
  vjp: ([dy], { inputs: xs, outputs: [y] }) => shareAmong(dy, xs, y),
});

/** dy to the operand that y came from, in equal parts where there are several, as PyTorch's `amax` has it. */
function shareAmong(dy: Value, xs: readonly Value[], y: Value): Value[] {
  // By comparison, not by difference: ∞ − ∞ is no number.
  const [first, ...rest] = xs.map((x) => cast(equal(x, y), dy.dtype));
  let count = first;
  for (const chosen of rest) count = add(count, chosen);
  const share = div(dy, count);
  return [first, ...rest].map((chosen) => mul(share, chosen));
}

/** sin x. */
export const sin = defineOp("Sin", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }): Value[] => [mul(dy, cos(x))],
});

/** cos x. */
export const cos = defineOp("Cos", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }): Value[] => [neg(mul(dy, sin(x)))],
});

/** The next whole number above; its gradient is 0 everywhere. */
export const ceil = defineOp("Ceil", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: () => [undefined],
});
