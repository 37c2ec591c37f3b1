import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { nothingMeasured, weightOf } from "./weightedMean.ts";

/** How much was measured. */
export interface SampleSize {
  /** Samples of a weight above 0. */
  readonly count: number;
  /** As many samples of one weight say as much: (Σw)² / Σw² (Kish 1965). */
  readonly effective: number;
}

export interface SampleSizeState {
  readonly count: number;
  readonly weight: number;
  readonly squaredWeight: number;
}

/** The number of samples, counted and effective. */
export function sampleSize(): Metric<ClassificationBatch, SampleSizeState, SampleSize> {
  return {
    name: "sample size",
    init: () => ({ count: 0, weight: 0, squaredWeight: 0 }),
    add({ count, weight, squaredWeight }, batch) {
      checkBatch(batch);
      for (let i = 0; i < batch.labels.length; i++) {
        const own = weightOf(batch.weights, i);
        if (own !== 0) count++;
        weight += own;
        squaredWeight += own * own;
      }
      return { count, weight, squaredWeight };
    },
    merge: (a, b) => ({
      count: a.count + b.count,
      weight: a.weight + b.weight,
      squaredWeight: a.squaredWeight + b.squaredWeight,
    }),
    value({ count, weight, squaredWeight }) {
      if (!(weight > 0)) throw nothingMeasured("sample size");
      return { count, effective: weight ** 2 / squaredWeight };
    },
  };
}
