import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";

/**
 * How unusual a class is for a sample.
 * - `lac`: 1 − p, least ambiguous sets (Sadinle, Lei & Wasserman 2019): the smallest on average, some may be empty.
 * - `aps`: the probability of all classes down to this one, adaptive sets (Romano, Sesia & Candès 2020): larger where the model is unsure.
 */
export type ConformalScore = "lac" | "aps";

/** What turns probabilities into sets of classes that hold the true one as often as was asked for. */
export interface Conformal {
  readonly score: ConformalScore;
  /** The share of sets that hold the true class, 0 to 1, on samples that are exchangeable with those of the calibration. */
  readonly coverage: number;
  /** Classes whose score is no larger are in the set; ∞ where there were too few samples to promise so much. */
  readonly threshold: number;
  /** With a seed, `aps` counts a random share of the class itself, which makes the coverage exact; without, all of it: sets are larger. */
  readonly seed?: number;
}

export interface ConformalOptions {
  readonly score?: ConformalScore;
  readonly coverage?: number;
  readonly seed?: number;
}

/**
 * Split conformal prediction (Vovk et al. 2005; Angelopoulos & Bates 2023, section 1.1): the ⌈(n + 1)·coverage⌉-th smallest score of the true
 * classes of samples that no training has seen. The promise holds on average over samples, not for each class. Throws `usage` for a coverage
 * out of (0, 1) and for weights: samples that do not count alike are not exchangeable.
 */
export function fitConformal(
  batch: ClassificationBatch,
  { score = "lac", coverage = 0.9, seed }: ConformalOptions = {},
): Conformal {
  if (!(coverage > 0 && coverage < 1)) {
    throw new GraftError(
      "usage",
      `fitConformal: the coverage is ${coverage}; expected a number between 0 and 1, such as 0.9.`,
    );
  }
  if (batch.weights !== undefined) {
    throw new GraftError("usage", "fitConformal: found weights; expected samples that all count the same.");
  }
  checkBatch(batch);
  const { labels, probabilities, classes } = batch;
  const scores = Float64Array.from(labels, (label, i) => {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    return scoresOf(row, score, shareOf("conformal calibration", i, seed))[label];
  }).sort();
  const rank = Math.ceil((scores.length + 1) * coverage);
  const threshold = rank > scores.length ? Number.POSITIVE_INFINITY : scores[rank - 1];
  return { score, coverage, threshold, ...(seed === undefined ? {} : { seed }) };
}

/** The classes in the set of each row of [N, classes], the likeliest first. */
export function predictionSets(
  probabilities: Float32Array,
  classes: number,
  { score, threshold, seed }: Conformal,
): readonly (readonly number[])[] {
  return Array.from({ length: probabilities.length / classes }, (_, i) => {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const scores = scoresOf(row, score, shareOf("conformal prediction", i, seed));
    return byProbability(row).filter((c) => scores[c] <= threshold);
  });
}

function shareOf(purpose: string, sample: number, seed: number | undefined): number {
  return seed === undefined ? 1 : stream(seed, purpose, 0, sample).uniform();
}

/** [classes] `share` of a class' own probability counts. */
function scoresOf(row: Float32Array, score: ConformalScore, share: number): Float64Array {
  switch (score) {
    case "lac":
      return Float64Array.from(row, (p) => 1 - p);
    case "aps": {
      const scores = new Float64Array(row.length);
      let before = 0;
      for (const c of byProbability(row)) {
        scores[c] = before + share * row[c];
        before += row[c];
      }
      return scores;
    }
  }
}

/** Classes from the likeliest; the lowest first among equals. */
function byProbability(row: Float32Array): readonly number[] {
  return [...row.keys()].sort((a, b) => row[b] - row[a] || a - b);
}
