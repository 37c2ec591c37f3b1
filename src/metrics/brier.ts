import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { type MeanState, weightedMean } from "./weightedMean.ts";

/**
 * The mean squared distance of the probabilities from the truth, Σ_c (p_c − y_c)² (Brier 1950), 0 to 2; with two classes half of it, which is the
 * squared error of one. Equals scikit-learn's `brier_score_loss`.
 */
export function brier(): Metric<ClassificationBatch, MeanState, number> {
  return weightedMean("Brier score", (batch) => {
    checkBatch(batch);
    return squaredDistances(batch);
  });
}

/** [N] of each sample. */
export function squaredDistances(batch: ClassificationBatch): Float64Array {
  return Float64Array.from(batch.labels, (label, i) => squaredDistance(batch, i, label));
}

function squaredDistance({ probabilities, classes }: ClassificationBatch, i: number, label: number): number {
  let total = 0;
  for (let c = 0; c < classes; c++) {
    const error = probabilities[i * classes + c] - (c === label ? 1 : 0);
    total += error * error;
  }
  return classes === 2 ? total / 2 : total;
}
