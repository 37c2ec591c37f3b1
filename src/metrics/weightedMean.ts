import { GraftError } from "../base/errors.ts";
import type { Metric } from "./metric.ts";

export interface MeanState {
  readonly sum: number;
  readonly weight: number;
}

/** The mean of one number a sample, Σ w·v / Σ w; without weights each sample has weight 1. A sample of weight 0 is left out, whatever it holds. */
export function weightedMean<Batch extends { readonly weights?: Float32Array }>(
  name: string,
  perSample: (batch: Batch) => Float64Array,
): Metric<Batch, MeanState, number> {
  return {
    name,
    init: () => ({ sum: 0, weight: 0 }),
    add(state, batch) {
      const values = perSample(batch);
      let { sum, weight } = state;
      for (let i = 0; i < values.length; i++) {
        const w = weightOf(batch.weights, i);
        if (w !== 0) sum += w * values[i];
        weight += w;
      }
      return { sum, weight };
    },
    merge: (a, b) => ({ sum: a.sum + b.sum, weight: a.weight + b.weight }),
    value({ sum, weight }) {
      if (!(weight > 0)) throw nothingMeasured(name);
      return sum / weight;
    },
  };
}

/** The weight of sample `i`. */
export function weightOf(weights: Float32Array | undefined, i: number): number {
  return weights === undefined ? 1 : weights[i];
}

/** Throws unless there is one finite weight, 0 or more, for each of `count` samples. */
export function checkWeights(weights: Float32Array | undefined, count: number): void {
  if (weights === undefined) return;
  if (weights.length !== count) {
    throw new GraftError("shape", `metrics: found ${weights.length} weights for ${count} samples; expected one each.`);
  }
  const bad = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (bad !== -1) {
    throw new GraftError(
      "data",
      `metrics: sample ${bad} has weight ${weights[bad]}; expected a finite number, 0 or more.`,
    );
  }
}

export function nothingMeasured(name: string): GraftError {
  return new GraftError(
    "data",
    `${name}: there is nothing to measure; expected at least one sample with a weight above 0.`,
  );
}
