import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { type MeanState, weightedMean } from "./weightedMean.ts";

/**
 * The smallest normal float32: probabilities are clipped to [2⁻¹²⁶, 1].
 * A softmax that underflows to 0 then costs 87.3 nats and not ∞, one that rounds above 1 costs 0, and any other value is taken as it is:
 * the loss is the one that training computes from logits. (Keras clips at 1e-7, hence at 16.1 nats.)
 */
const smallest = 2 ** -126;

/** The mean of −ln p of the true class, in nats. */
export function crossEntropy(): Metric<ClassificationBatch, MeanState, number> {
  return weightedMean("loss", (batch) => {
    checkBatch(batch);
    return lossesOf(batch);
  });
}

/** [N] of each sample. */
export function lossesOf({ probabilities, labels, classes }: ClassificationBatch): Float64Array {
  return Float64Array.from(labels, (label, i) => -Math.log(clip(probabilities[i * classes + label])));
}

function clip(p: number): number {
  return Math.min(Math.max(p, smallest), 1);
}
