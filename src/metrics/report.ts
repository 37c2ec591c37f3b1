import type { ClassificationReport } from "./classificationReport.ts";
import { type Confusion, type Scores, sum } from "./confusion.ts";
import { alignTable, truncate } from "./textTable.ts";
import type { Interval } from "./wilson.ts";

/** The widest that a class name is printed. */
const nameColumns = 24;
/** The most classes whose confusion matrix fits a terminal. */
const matrixClasses = 12;
/** How many pairs are listed when the matrix does not fit. */
const listedPairs = 10;

/**
 * The report as a table: a row for each class, then the whole and its averages, laid out as scikit-learn's `classification_report`. An interval is of
 * the number in the row's f1-score column.
 */
export function formatReport(report: ClassificationReport, labels: readonly string[] = []): string {
  const { intervals } = report;
  const names = report.perClass.map(({ label }, c) => nameOf(labels[c] ?? label, c));
  const total = count(sum(report.perClass.map(({ support }) => support)));
  const whole = (name: string, value: number | undefined, interval?: Interval) =>
    value === undefined ? [] : [[name, "", "", score(value), total, ...shown(interval)]];
  const top = Object.entries(report.topK ?? {});
  return alignTable([
    ["", "precision", "recall", "f1-score", "support", `${100 * intervals.level} % interval`],
    ...report.perClass.map((scores, c) => [names[c], ...cells(scores), count(scores.support)]),
    [],
    ...whole("accuracy", report.accuracy, intervals.accuracy),
    ...whole("majority class", report.majority),
    ...whole("balanced accuracy", report.balancedAccuracy, intervals.balancedAccuracy),
    ...whole("ROC AUC", report.auc, intervals.auc),
    ...top.flatMap(([k, value]) => whole(`top-${k} accuracy`, value, intervals.topK?.[k])),
    ["macro avg", ...cells(report.macro), total, ...shown(intervals.macroF1)],
    ["weighted avg", ...cells(report.weighted), total],
    ...whole("calibration error", report.calibration.expectedError),
  ]);
}

function shown(interval: Interval | undefined): readonly string[] {
  return interval === undefined ? [] : [formatInterval(interval)];
}

/** `0.769–0.960` */
export function formatInterval({ lower, upper }: Interval): string {
  return `${score(lower)}–${score(upper)}`;
}

/** The confusion matrix as a table; beyond 12 classes the ten most confused pairs. */
export function formatConfusion(confusion: Confusion, labels: readonly string[] = []): string {
  return confusion.length > matrixClasses ? formatPairs(confusion, labels) : formatMatrix(confusion, labels);
}

function formatMatrix(confusion: Confusion, labels: readonly string[]): string {
  // Narrow enough that all columns fit about 100.
  const columns = Math.max(5, Math.min(12, Math.floor(80 / confusion.length) - 2));
  const table = alignTable([
    ["", ...confusion.map((_, c) => nameOf(labels[c], c, columns))],
    ...confusion.map((row, c) => [nameOf(labels[c], c), ...row.map(count)]),
  ]);
  return `Confusion matrix: a row is the true class, a column the predicted one.\n\n${table}`;
}

function formatPairs(confusion: Confusion, labels: readonly string[]): string {
  const pairs = confusedPairs(confusion).slice(0, listedPairs);
  if (pairs.length === 0) return `No sample of the ${confusion.length} classes was taken for another class.`;
  const table = alignTable([
    ["true class → predicted class", "samples", "of the true class"],
    ...pairs.map(({ truth, predicted, samples, share }) => [
      `${nameOf(labels[truth], truth)} → ${nameOf(labels[predicted], predicted)}`,
      count(samples),
      `${(100 * share).toFixed(1)} %`,
    ]),
  ]);
  const heading = pairs.length === 1 ? "The only confused pair" : `The ${pairs.length} most confused pairs`;
  return `${heading} of ${confusion.length} classes.\n\n${table}`;
}

/** Where one class was taken for another, most samples first. */
export interface ConfusedPair {
  readonly truth: number;
  readonly predicted: number;
  readonly samples: number;
  /** Of the samples of the true class. */
  readonly share: number;
}

/** All pairs of different classes that were confused, most samples first, then by index. */
export function confusedPairs(confusion: Confusion): readonly ConfusedPair[] {
  const pairs: ConfusedPair[] = [];
  confusion.forEach((row, truth) => {
    const support = sum(row);
    row.forEach((samples, predicted) => {
      if (predicted !== truth && samples > 0) pairs.push({ truth, predicted, samples, share: samples / support });
    });
  });
  return pairs.sort((a, b) => b.samples - a.samples);
}

function nameOf(label: string | undefined, index: number, limit = nameColumns): string {
  return truncate(label ?? `class ${index}`, limit);
}

function cells({ precision, recall, f1 }: Scores): readonly string[] {
  return [precision, recall, f1].map(score);
}

function score(value: number): string {
  return value.toFixed(3);
}

/** Samples are whole numbers, unless they are weighted. */
function count(samples: number): string {
  return Number.isInteger(samples) ? String(samples) : samples.toFixed(2);
}
