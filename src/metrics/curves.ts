import { GraftError } from "../base/errors.ts";
import { type ClassificationBatch, checkBatch, countedSamples } from "./classificationBatch.ts";
import { type RankedSamples, rankBy } from "./rankedSamples.ts";
import { weightOf } from "./weightedMean.ts";

/** What a threshold on the probability of a class gives: samples from it up are called the class. */
export interface RocPoint {
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

export interface PrecisionRecallPoint {
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
}

/**
 * The ROC curve of class `c` against the rest: a point for each score that occurs, the highest first, after (0, 0) at ∞.
 * Equals scikit-learn's `roc_curve` with `drop_intermediate=False`. Throws `data` where the class, or all but it, is absent.
 */
export function rocCurve(batch: ClassificationBatch, c: number): readonly RocPoint[] {
  const counts = countsOf(batch, c);
  const last = counts.at(-1);
  if (last === undefined || last.truePositives === 0 || last.falsePositives === 0)
    throw notDefined("ROC curve", c, "samples of it and others");
  const points = counts.map(({ threshold, truePositives, falsePositives }) => ({
    threshold,
    falsePositiveRate: falsePositives / last.falsePositives,
    truePositiveRate: truePositives / last.truePositives,
  }));
  return [{ threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 }, ...points];
}

/**
 * The precision-recall curve of class `c` against the rest: a point for each score that occurs, the lowest first, then precision 1 at
 * recall 0 and ∞. Equals scikit-learn's `precision_recall_curve`. Throws `data` where the class is absent.
 */
export function precisionRecallCurve(batch: ClassificationBatch, c: number): readonly PrecisionRecallPoint[] {
  const counts = countsOf(batch, c);
  const support = counts.at(-1)?.truePositives ?? 0;
  if (support === 0) throw notDefined("precision-recall curve", c, "samples of it");
  const points = counts.map(({ threshold, truePositives, falsePositives }) => ({
    threshold,
    precision: truePositives / (truePositives + falsePositives),
    recall: truePositives / support,
  }));
  return [...points.reverse(), { threshold: Number.POSITIVE_INFINITY, precision: 1, recall: 0 }];
}

function countsOf(batch: ClassificationBatch, c: number) {
  checkBatch(batch);
  const counted = countedSamples([batch]);
  const counts: { threshold: number; truePositives: number; falsePositives: number }[] = [];
  curveCounts(rankBy(counted)(c), counted.weights, c, (threshold, truePositives, falsePositives) => {
    counts.push({ threshold, truePositives, falsePositives });
  });
  return counts;
}

/** Tells, from the highest score of class `c` down, the weight of the samples with at least this score that are of the class, and that are not. */
export function curveCounts(
  { scores, labels, places }: RankedSamples,
  weights: Float32Array | undefined,
  c: number,
  tell: (threshold: number, truePositives: number, falsePositives: number) => void,
): void {
  let truePositives = 0;
  let falsePositives = 0;
  for (let at = scores.length - 1; at >= 0; at--) {
    const weight = weightOf(weights, places[at]);
    if (labels[at] === c) truePositives += weight;
    else falsePositives += weight;
    if (at > 0 && scores[at - 1] === scores[at]) continue;
    tell(scores[at], truePositives, falsePositives);
  }
}

function notDefined(curve: string, c: number, needed: string): GraftError {
  return new GraftError("data", `the ${curve} of class ${c} is not defined: expected ${needed}.`);
}
