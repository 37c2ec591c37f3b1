import { GraftError } from "../base/errors.ts";
import type { Metric } from "./metric.ts";
import { checkWeights, type MeanState, weightedMean, weightOf } from "./weightedMean.ts";

/** Predicted numbers for N samples, with the truth. */
export interface RegressionBatch {
  /** [N, units], row-major. */
  readonly predictions: Float32Array;
  /** [N, units], row-major. */
  readonly targets: Float32Array;
  readonly units: number;
  /** [N] what each sample counts; 1 without. A sample of weight 0 is left out and not checked. */
  readonly weights?: Float32Array;
}

/** Mean absolute error. */
export function mae(): Metric<RegressionBatch, MeanState, number> {
  return weightedMean("mae", (batch) => meanOverUnits(batch, Math.abs));
}

/** Mean squared error. */
export function mse(): Metric<RegressionBatch, MeanState, number> {
  return weightedMean("mse", (batch) => meanOverUnits(batch, (error) => error * error));
}

// [N, units] → [N]
function meanOverUnits(batch: RegressionBatch, cost: (error: number) => number): Float64Array {
  const { predictions, targets, units } = batch;
  checkBatch(batch);
  const means = new Float64Array(predictions.length / units);
  for (let i = 0; i < predictions.length; i++) {
    means[Math.floor(i / units)] += cost(predictions[i] - targets[i]) / units;
  }
  return means;
}

function checkBatch({ predictions, targets, units, weights }: RegressionBatch): void {
  if (predictions.length !== targets.length || !Number.isInteger(predictions.length / units)) {
    throw new GraftError(
      "shape",
      `metrics: found ${predictions.length} predictions for ${targets.length} targets; expected as many, a multiple of ${units}.`,
    );
  }
  checkWeights(weights, predictions.length / units);
  for (let i = 0; i < predictions.length; i++) {
    const sample = Math.floor(i / units);
    if (Number.isFinite(predictions[i]) || weightOf(weights, sample) === 0) continue;
    throw new GraftError(
      "diverged",
      `metrics: the prediction for sample ${sample} of the batch is ${predictions[i]}. The model has diverged: train it with a lower learning rate.`,
    );
  }
}
