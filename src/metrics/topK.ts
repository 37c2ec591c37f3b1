import { GraftError } from "../base/errors.ts";
import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { type MeanState, weightedMean } from "./weightedMean.ts";

/** The share of samples whose true class is among the `k` most probable ones; the lower index goes first among equals, so k = 1 is accuracy. */
export function topK(k: number): Metric<ClassificationBatch, MeanState, number> {
  if (!(Number.isInteger(k) && k >= 1))
    throw new GraftError("usage", `topK: k is ${k}; expected a whole number from 1.`);
  return weightedMean(`top-${k} accuracy`, (batch) => {
    checkBatch(batch);
    return Float64Array.from(batch.labels, (label, i) => (rankOf(batch, i, label) < k ? 1 : 0));
  });
}

/** How many classes come before `label` for sample `i`. */
function rankOf({ probabilities, classes }: ClassificationBatch, i: number, label: number): number {
  const start = i * classes;
  const own = probabilities[start + label];
  let rank = 0;
  for (let c = 0; c < classes; c++) {
    const p = probabilities[start + c];
    if (p > own || (p === own && c < label)) rank++;
  }
  return rank;
}
