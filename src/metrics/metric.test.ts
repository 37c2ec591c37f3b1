import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accuracy } from "./accuracy.ts";
import { anyClassificationBatch, anyRegressionBatch, sliceClassification, sliceRegression } from "./batches.fixture.ts";
import { brier } from "./brier.ts";
import { classificationMetrics } from "./classification.ts";
import { confusion } from "./confusion.ts";
import { crossEntropy } from "./crossEntropy.ts";
import { type Metric, measure } from "./metric.ts";
import { multiTask } from "./multiTask.ts";
import { ranking } from "./ranking.ts";
import { mae, mse, regressionMetrics } from "./regression.ts";
import { reliability } from "./reliability.ts";
import { sampleSize } from "./sampleSize.ts";
import { topK } from "./topK.ts";

const classes = 7;

/** What every metric owes: the laws of a monoid, whatever its state. */
function keepsTheLaws<Batch, State, Value>(
  metric: Metric<Batch, State, Value>,
  batches: fc.Arbitrary<Batch>,
  slice: (batch: Batch, from: number, to: number) => Batch,
): void {
  const stateOf = (batch: Batch) => metric.add(metric.init(), batch);
  describe(metric.name, () => {
    it("is left as it is by init", () => {
      fc.assert(
        fc.property(batches, (batch) => {
          expect(metric.merge(metric.init(), stateOf(batch))).toEqual(stateOf(batch));
          expect(metric.merge(stateOf(batch), metric.init())).toEqual(stateOf(batch));
        }),
      );
    });

    it("merges in any grouping and order", () => {
      fc.assert(
        fc.property(batches, batches, batches, (a, b, c) => {
          const left = metric.merge(metric.merge(stateOf(a), stateOf(b)), stateOf(c));
          const right = metric.merge(stateOf(a), metric.merge(stateOf(b), stateOf(c)));
          const swapped = metric.merge(stateOf(c), metric.merge(stateOf(b), stateOf(a)));
          sameValue(metric.value(left), metric.value(right));
          sameValue(metric.value(left), metric.value(swapped));
        }),
      );
    });

    it("gives the value of the whole, from shards as from a stream", () => {
      fc.assert(
        fc.property(batches, fc.nat(12), (batch, at) => {
          const whole = measure(metric, [batch]);
          const first = slice(batch, 0, at);
          const rest = slice(batch, at, 100);
          sameValue(measure(metric, [first, rest]), whole);
          sameValue(metric.value(metric.merge(stateOf(first), stateOf(rest))), whole);
        }),
      );
    });

    it("changes no state that it merges", () => {
      fc.assert(
        fc.property(batches, batches, (a, b) => {
          const state = stateOf(a);
          metric.add(metric.merge(state, stateOf(b)), b);
          expect(state).toEqual(stateOf(a));
        }),
      );
    });
  });
}

function mapTasks<Batch>(batch: Readonly<Record<string, Batch>>, change: (one: Batch) => Batch) {
  return Object.fromEntries(Object.entries(batch).map(([task, one]) => [task, change(one)]));
}

/** Equal but for the order of additions: at most some 40 terms, each within an ulp of a double. */
function sameValue(a: unknown, b: unknown): void {
  expect(roundedNumbers(a)).toEqual(roundedNumbers(b));
}

function roundedNumbers(value: unknown): unknown {
  // Ten digits, so that values that differ in the sixteenth do not fall on different sides of a rounding boundary unless they sit on one;
  // differences of numbers near 1 that are zero but for rounding are zero.
  const rounded = (part: number) => (Math.abs(part) < 1e-12 ? 0 : Number(part.toPrecision(10)));
  return JSON.parse(JSON.stringify(value, (_, part) => (typeof part === "number" ? rounded(part) : part)));
}

keepsTheLaws(accuracy(), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(topK(3), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(crossEntropy(), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(confusion(classes), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(classificationMetrics(classes), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(brier(), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(reliability(), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(sampleSize(), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(ranking(), anyClassificationBatch(classes), sliceClassification);
keepsTheLaws(
  multiTask({ shape: classificationMetrics(classes), colour: classificationMetrics(3) }),
  fc.record({ shape: anyClassificationBatch(classes), colour: anyClassificationBatch(3) }),
  (batch, from, to) => mapTasks(batch, (one) => sliceClassification(one, from, to)),
);
keepsTheLaws(mae(), anyRegressionBatch(2), sliceRegression);
keepsTheLaws(mse(), anyRegressionBatch(2), sliceRegression);
keepsTheLaws(regressionMetrics(), anyRegressionBatch(2), sliceRegression);
