import { type ClassificationBatch, checkBatch, predictedClass } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { nothingMeasured, weightOf } from "./weightedMean.ts";

/** confusion[t][p]: the weight of the samples of class t that were predicted as p. */
export type Confusion = readonly (readonly number[])[];

export interface Scores {
  /** Of what was predicted as the class, the share that is. */
  readonly precision: number;
  /** Of what is the class, the share that was predicted as it: sensitivity. */
  readonly recall: number;
  /** Of what is not the class, the share that was not predicted as it. */
  readonly specificity: number;
  /** The harmonic mean of precision and recall. */
  readonly f1: number;
}

export interface ClassScores extends Scores {
  /** The weight of the samples that are of the class. */
  readonly support: number;
}

export interface ConfusionScores {
  readonly accuracy: number;
  /** Accuracy of always naming the most frequent class: what a classifier has to beat. */
  readonly majority: number;
  /** The mean recall of the classes that have samples. */
  readonly balancedAccuracy: number;
  readonly perClass: readonly ClassScores[];
  /** Every sample counts the same; with one answer a sample, precision, recall and F1 are all the accuracy. */
  readonly micro: Scores;
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

/** The scores of every class and their averages; what would divide by zero is 0, as with scikit-learn's `zero_division=0`. */
export function scoresOf(matrix: Confusion): ConfusionScores {
  const supports = matrix.map(sum);
  const total = sum(supports);
  if (!(total > 0)) throw nothingMeasured("confusion");
  const perClass = matrix.map((row, c) => ({
    ...scoresFrom({ hits: row[c], predicted: sum(matrix.map((other) => other[c])), support: supports[c], total }),
    support: supports[c],
  }));
  const hits = sum(matrix.map((row, c) => row[c]));
  const present = perClass.filter(({ support }) => support > 0);
  return {
    accuracy: hits / total,
    majority: Math.max(...supports) / total,
    balancedAccuracy: sum(present.map(({ recall }) => recall)) / present.length,
    perClass,
    micro: scoresFrom({ hits, predicted: total, support: total, total: matrix.length * total }),
    macro: average(perClass, () => 1 / perClass.length),
    weighted: average(perClass, ({ support }) => support / total),
  };
}

/** Rows to shares of their class, columns to shares of their prediction, or all to shares of all; a row or column of zeros stays as it is. */
export function normalised(matrix: Confusion, over: "truth" | "prediction" | "all"): Confusion {
  const rows = matrix.map(sum);
  const columns = matrix.map((_, p) => sum(matrix.map((row) => row[p])));
  const whole = {
    truth: (t: number) => rows[t],
    prediction: (_: number, p: number) => columns[p],
    all: () => sum(rows),
  };
  return matrix.map((row, t) => row.map((weight, p) => ratio(weight, whole[over](t, p))));
}

interface Counts {
  readonly hits: number;
  readonly predicted: number;
  readonly support: number;
  readonly total: number;
}

function scoresFrom({ hits, predicted, support, total }: Counts): Scores {
  const others = total - support;
  return {
    precision: ratio(hits, predicted),
    recall: ratio(hits, support),
    specificity: ratio(others - (predicted - hits), others),
    f1: ratio(2 * hits, predicted + support),
  };
}

function average(perClass: readonly ClassScores[], share: (scores: ClassScores) => number): Scores {
  const of = (key: keyof Scores) => sum(perClass.map((scores) => scores[key] * share(scores)));
  return { precision: of("precision"), recall: of("recall"), specificity: of("specificity"), f1: of("f1") };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
