import { like } from "../graph/infer.ts";
import { defineOp } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { mul, neg } from "./arithmetic.ts";

const stop = defineOp("Identity", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: () => [undefined],
});

/** x, through which no gradient passes. */
export function stopGradient(x: Value): Value {
  return stop(x);
}

/**
 * x, whose gradient passes reversed: dx = −strength·dy (Ganin & Lempitsky 2015, equation 10).
 *
 * @param strength a number, or a fed scalar where it changes during training
 */
export function reverseGradient(x: Value, strength: Value | number): Value {
  const reverse = defineOp("Identity", {
    elementwise: true,
    inputs: ["x"],
    infer: ([given]) => [like(given)],
    vjp: ([dy]) => [neg(mul(dy, strength))],
  });
  return reverse(x);
}
