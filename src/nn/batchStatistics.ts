import type { Value } from "../graph/value.ts";
import { batchNormalization } from "../ops/normalisation.ts";
import type { Scope } from "./scope.ts";

/** The operands of a batch normalisation, and how its framework counts: `momentum` is the share of the old statistics that stays. */
export interface Normalising {
  readonly scale: Value;
  readonly bias: Value;
  /** Names of the running statistics in their scope. */
  readonly meanName: string;
  readonly varianceName: string;
  readonly epsilon: number;
  readonly momentum: number;
}

/** Normalises by the batch in training, and moves the running statistics; by those at inference or while they are frozen. */
export function normaliseBatch(
  scope: Scope,
  x: Value,
  { scale, bias, epsilon, momentum, ...names }: Normalising,
): Value {
  const shape = [Number(x.shape[1])];
  const mean = scope.param(names.meanName, shape, { initializer: "zeros", trainable: false });
  const variance = scope.param(names.varianceName, shape, { initializer: "ones", trainable: false });
  const { training, statistics } = scope.build;
  if (!training || statistics === "frozen") return batchNormalization(x, scale, bias, mean, variance, { epsilon });
  const [y, newMean, newVariance] = batchNormalization.outputs(x, scale, bias, mean, variance, {
    epsilon,
    momentum,
    training_mode: 1,
  });
  scope.update(names.meanName, newMean);
  scope.update(names.varianceName, newVariance);
  return y;
}
