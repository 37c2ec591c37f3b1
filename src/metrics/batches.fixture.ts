import fc from "fast-check";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import type { ClassificationBatch } from "./classificationBatch.ts";
import type { RegressionBatch } from "./regression.ts";

type ClassificationCase = (typeof reference.classification)[number];
type RegressionCase = (typeof reference.regression)[number];

/** A stored case as one batch. */
export function classificationBatch({
  classes,
  labels,
  probabilities,
  weights,
}: ClassificationCase): ClassificationBatch {
  return {
    classes,
    labels: Int32Array.from(labels),
    probabilities: Float32Array.from(probabilities),
    ...(weights === undefined ? {} : { weights: Float32Array.from(weights) }),
  };
}

/** A stored case as one batch. */
export function regressionBatch({ predictions, targets, weights }: RegressionCase): RegressionBatch {
  return {
    units: predictions.shape[1],
    predictions: Float32Array.from(predictions.data),
    targets: Float32Array.from(targets.data),
    ...(weights === undefined ? {} : { weights: Float32Array.from(weights) }),
  };
}

/** One sample a row: what is written most easily in a test. */
export function batchOf(
  labels: readonly number[],
  rows: readonly (readonly number[])[],
  weights?: readonly number[],
): ClassificationBatch {
  return {
    classes: rows[0].length,
    labels: Int32Array.from(labels),
    probabilities: Float32Array.from(rows.flat()),
    ...(weights === undefined ? {} : { weights: Float32Array.from(weights) }),
  };
}

/** Samples from…to of a batch. */
export function sliceClassification(batch: ClassificationBatch, from: number, to: number): ClassificationBatch {
  const { classes, labels, probabilities, weights } = batch;
  return {
    classes,
    labels: labels.subarray(from, to),
    probabilities: probabilities.subarray(from * classes, to * classes),
    ...(weights === undefined ? {} : { weights: weights.subarray(from, to) }),
  };
}

/** Samples from…to of a batch. */
export function sliceRegression(
  { units, predictions, targets, weights }: RegressionBatch,
  from: number,
  to: number,
): RegressionBatch {
  return {
    units,
    predictions: predictions.subarray(from * units, to * units),
    targets: targets.subarray(from * units, to * units),
    ...(weights === undefined ? {} : { weights: weights.subarray(from, to) }),
  };
}

/** Multiples of 1/8 up to 1: sums of them are exact in any order, and ties are common. */
const eighths = fc.integer({ min: 0, max: 8 }).map((n) => n / 8);

/** Batches of 1 to 12 samples; the first has a weight above 0. */
export function anyClassificationBatch(classes: number): fc.Arbitrary<ClassificationBatch> {
  const sample = fc.record({
    label: fc.nat(classes - 1),
    row: fc.array(eighths, { minLength: classes, maxLength: classes }),
    weight: eighths,
  });
  return fc.array(sample, { minLength: 1, maxLength: 12 }).map((samples) =>
    batchOf(
      samples.map(({ label }) => label),
      samples.map(({ row }) => row),
      samples.map(({ weight }, i) => (i === 0 ? weight + 1 : weight)),
    ),
  );
}

/** Batches of 1 to 12 samples; the first has a weight above 0. */
export function anyRegressionBatch(units: number): fc.Arbitrary<RegressionBatch> {
  const row = fc.array(eighths, { minLength: units, maxLength: units });
  const sample = fc.record({ predictions: row, targets: row, weight: eighths });
  return fc.array(sample, { minLength: 1, maxLength: 12 }).map((samples) => ({
    units,
    predictions: Float32Array.from(samples.flatMap(({ predictions }) => predictions)),
    targets: Float32Array.from(samples.flatMap(({ targets }) => targets)),
    weights: Float32Array.from(samples, ({ weight }, i) => (i === 0 ? weight + 1 : weight)),
  }));
}
