import type { Value } from "../graph/value.ts";
import { abs, add, mul } from "../ops/arithmetic.ts";
import { reduceSum } from "../ops/reductions.ts";

/** A penalty l1·Σ|w| + l2·Σw² on a parameter, added to the loss. */
export interface Regularizer {
  readonly l1: number;
  readonly l2: number;
}

export const l1 = (weight = 0.01): Regularizer => ({ l1: weight, l2: 0 });
export const l2 = (weight = 0.01): Regularizer => ({ l1: 0, l2: weight });
export const l1l2 = (weights: Partial<Regularizer> = {}): Regularizer => ({ l1: 0.01, l2: 0.01, ...weights });

/** The penalty as a scalar. */
export function penalty(parameter: Value, { l1: first, l2: second }: Regularizer): Value {
  const absolute = mul(reduceSum(abs(parameter), { keepdims: 0 }), first);
  const squared = mul(reduceSum(mul(parameter, parameter), { keepdims: 0 }), second);
  if (first === 0) return squared;
  return second === 0 ? absolute : add(absolute, squared);
}
