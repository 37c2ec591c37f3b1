import { matthewsCorrelation } from "./agreement.ts";
import { type BootstrapOptions, bootstrap } from "./bootstrap.ts";
import { squaredDistances } from "./brier.ts";
import { classificationMetrics } from "./classification.ts";
import { type ClassificationBatch, countedSamples, predictedClass } from "./classificationBatch.ts";
import type { ClassificationReport } from "./classificationReport.ts";
import { type ClassScores, type Confusion, scoresOf, sum } from "./confusion.ts";
import { lossesOf } from "./crossEntropy.ts";
import { measure } from "./metric.ts";
import { rankedByAll } from "./rankedSamples.ts";
import { rankingOf } from "./ranking.ts";
import { weightOf } from "./weightedMean.ts";

/** Samples × (classes + 5), the five for drawing, beyond which a thousand draws take longer than some seconds; intervals are narrow there. */
const mostWork = 200_000;

const names = ["balancedAccuracy", "macroF1", "loss", "brier", "auc", "averagePrecision", "matthews"] as const;
type Figures = { readonly [K in (typeof names)[number]]: number | undefined };

/** The report of all batches, with bootstrap intervals for what is no proportion; without those where samples × (classes + 5) pass 200,000. */
export function reportWithIntervals(
  batches: readonly ClassificationBatch[],
  classes: number,
  { labels, ...options }: BootstrapOptions & { readonly labels?: readonly string[] } = {},
): ClassificationReport {
  const report = measure(classificationMetrics(classes, { labels }), batches);
  if (report.count * (classes + 5) > mostWork) return report;
  const { level } = report.intervals;
  const samples = countedSamples(batches);
  const figures = figuresOf(samples);
  const drawn = bootstrap(
    report.count,
    (counts) => {
      const found = figures(counts.map((count, i) => count * weightOf(samples.weights, i)));
      return names.map((name) => found[name]);
    },
    { ...options, level },
  );
  const intervals = Object.fromEntries(names.map((name, i) => [name, drawn[i]]));
  return { ...report, intervals: { ...report.intervals, ...intervals } };
}

/** The same figures as in the report under any weights: whatever does not depend on them is found once. */
function figuresOf(samples: ClassificationBatch): (weights: Float32Array) => Figures {
  const predicted = Int32Array.from(samples.labels, (_, i) => predictedClass(samples, i));
  const losses = lossesOf(samples);
  const distances = squaredDistances(samples);
  const ranks = rankedByAll(samples);
  const classesWithSamples = new Set(samples.labels).size;
  return (weights) => {
    const matrix = confusionOf(samples, predicted, weights);
    const { balancedAccuracy, perClass } = scoresOf(matrix);
    const { rocAuc, averagePrecision } = rankingOf({ ...samples, weights }, ranks);
    return {
      balancedAccuracy,
      macroF1: (meanF1(perClass) * classesWithSamples) / samples.classes,
      loss: meanOf(losses, weights),
      brier: meanOf(distances, weights),
      auc: rocAuc.macro,
      averagePrecision: averagePrecision.macro,
      matthews: matthewsCorrelation(matrix),
    };
  };
}

function confusionOf(
  { labels, classes }: ClassificationBatch,
  predicted: Int32Array,
  weights: Float32Array,
): Confusion {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) matrix[labels[i]][predicted[i]] += weights[i];
  return matrix;
}

/**
 * Over the classes that are in the draw. One that has samples may miss in a draw, which says nothing about it; one that has none counts 0, as in
 * the report, which the caller sees to.
 */
function meanF1(perClass: readonly ClassScores[]): number {
  const present = perClass.filter(({ support }) => support > 0);
  return sum(present.map(({ f1 }) => f1)) / present.length;
}

function meanOf(values: Float64Array, weights: Float32Array): number {
  let total = 0;
  let weight = 0;
  for (let i = 0; i < values.length; i++) {
    total += weights[i] * values[i];
    weight += weights[i];
  }
  return total / weight;
}
