import { type ClassificationBatch, checkBatch, predictedClass } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { nothingMeasured, weightOf } from "./weightedMean.ts";

/** The samples whose highest probability lies in (from, to]. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
  /** Mean of the highest probabilities. */
  readonly confidence: number;
  /** The share that is right. */
  readonly accuracy: number;
}

/** Whether probabilities are what they say. */
export interface Reliability {
  /** Expected calibration error: the mean of |accuracy − confidence| over the samples, by bins. */
  readonly expectedError: number;
  /** The reliability diagram: the bins that hold samples, from the lowest. */
  readonly bins: readonly ReliabilityBin[];
}

/** Expected calibration error in bins of equal width (Guo et al. 2017, equation 3). State: weight, confidence and hits of each bin. */
export function reliability(bins = 15): Metric<ClassificationBatch, Float64Array, Reliability> {
  return {
    name: "reliability",
    init: () => new Float64Array(3 * bins),
    add(state, batch) {
      checkBatch(batch);
      for (let i = 0; i < batch.labels.length; i++) {
        const weight = weightOf(batch.weights, i);
        if (weight === 0) continue;
        const predicted = predictedClass(batch, i);
        const confidence = batch.probabilities[i * batch.classes + predicted];
        const bin = 3 * binOf(confidence, bins);
        state[bin] += weight;
        state[bin + 1] += weight * confidence;
        if (predicted === batch.labels[i]) state[bin + 2] += weight;
      }
      return state;
    },
    merge: (a, b) => a.map((sum, i) => sum + b[i]),
    value: (state) => reliabilityOf(state, bins),
  };
}

function binOf(confidence: number, bins: number): number {
  return Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
}

function reliabilityOf(state: Float64Array, count: number): Reliability {
  const bins: ReliabilityBin[] = [];
  let total = 0;
  let error = 0;
  for (let bin = 0; bin < count; bin++) {
    const [weight, confidence, hits] = state.subarray(3 * bin, 3 * bin + 3);
    if (weight === 0) continue;
    total += weight;
    error += Math.abs(hits - confidence);
    bins.push({
      from: bin / count,
      to: (bin + 1) / count,
      weight,
      confidence: confidence / weight,
      accuracy: hits / weight,
    });
  }
  if (total === 0) throw nothingMeasured("reliability");
  return { expectedError: error / total, bins };
}
