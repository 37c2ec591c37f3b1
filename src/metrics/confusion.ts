import { type ClassificationBatch, checkBatch, predictedClass } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { nothingMeasured, weightOf } from "./weightedMean.ts";

/** confusion[t][p]: the weight of the samples of class t that were predicted as p. */
export type Confusion = readonly (readonly number[])[];

export interface Scores {
  /** Of what was predicted as the class, the share that is. */
  readonly precision: number;
  /** Of what is the class, the share that was predicted as it. */
  readonly recall: number;
  /** The harmonic mean of both. */
  readonly f1: number;
}

export interface ClassScores extends Scores {
  /** The weight of the samples that are of the class. */
  readonly support: number;
}

export interface ConfusionScores {
  readonly accuracy: number;
  readonly perClass: readonly ClassScores[];
  /** Every class counts the same, those without samples too (with 0). */
  readonly macro: Scores;
  /** Every class counts as much as its support. */
  readonly weighted: Scores;
}

/** The confusion matrix. The state is the matrix in row-major order. */
export function confusion(classes: number): Metric<ClassificationBatch, Float64Array, Confusion> {
  return {
    name: "confusion",
    init: () => new Float64Array(classes * classes),
    add(state, batch) {
      checkBatch(batch);
      const { labels, weights } = batch;
      for (let i = 0; i < labels.length; i++) {
        const weight = weightOf(weights, i);
        if (weight !== 0) state[labels[i] * classes + predictedClass(batch, i)] += weight;
      }
      return state;
    },
    merge: (a, b) => a.map((weight, i) => weight + b[i]),
    value: (state) =>
      Array.from({ length: classes }, (_, t) => Array.from(state.subarray(t * classes, (t + 1) * classes))),
  };
}

/** Precision, recall and F1 of every class, and their averages; what would divide by zero is 0, as with scikit-learn's `zero_division=0`. */
export function scoresOf(matrix: Confusion): ConfusionScores {
  const supports = matrix.map(sum);
  const total = sum(supports);
  if (!(total > 0)) throw nothingMeasured("confusion");
  const hits = matrix.map((row, c) => row[c]);
  const predicted = matrix.map((_, c) => sum(matrix.map((row) => row[c])));
  const perClass = supports.map((support, c) => ({
    precision: ratio(hits[c], predicted[c]),
    recall: ratio(hits[c], support),
    f1: ratio(2 * hits[c], predicted[c] + support),
    support,
  }));
  return {
    accuracy: sum(hits) / total,
    perClass,
    macro: average(perClass, () => 1 / perClass.length),
    weighted: average(perClass, ({ support }) => support / total),
  };
}

function average(perClass: readonly ClassScores[], share: (scores: ClassScores) => number): Scores {
  const of = (key: keyof Scores) => sum(perClass.map((scores) => scores[key] * share(scores)));
  return { precision: of("precision"), recall: of("recall"), f1: of("f1") };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
