import { type ClassificationBatch, checkBatch, predictedClass } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { type MeanState, weightedMean } from "./weightedMean.ts";

/** The share of samples whose most probable class is the true one. */
export function accuracy(): Metric<ClassificationBatch, MeanState, number> {
  return weightedMean("accuracy", (batch) => {
    checkBatch(batch);
    return Float64Array.from(batch.labels, (label, i) => (predictedClass(batch, i) === label ? 1 : 0));
  });
}
