import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { classificationBatch } from "./batches.fixture.ts";
import { bootstrap } from "./bootstrap.ts";
import { classificationMetrics } from "./classification.ts";
import { reportWithIntervals } from "./classificationIntervals.ts";
import { measure } from "./metric.ts";

const values = Float64Array.from({ length: 100 }, (_, i) => (i < 30 ? 1 : 0));
const mean = (counts: Float32Array) => [counts.reduce((sum, count, i) => sum + count * values[i], 0) / 100];

describe("bootstrap", () => {
  it("gives the interval that the binomial distribution gives for a proportion", () => {
    const [interval] = bootstrap(100, mean, { resamples: 4000 });
    // Draws are Binomial(100, 0.3) / 100, whose 2.5 % and 97.5 % quantiles are 0.21 and 0.39; one step either way for the 4,000 draws.
    expect(Math.abs((interval?.lower ?? 0) - 0.21)).toBeLessThanOrEqual(0.0101);
    expect(Math.abs((interval?.upper ?? 0) - 0.39)).toBeLessThanOrEqual(0.0101);
  });

  it("draws as many samples as there are", () => {
    bootstrap(7, (counts) => {
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(7);
      return [];
    });
  });

  it("gives the same intervals for the same seed, and others for another", () => {
    const of = (seed: number) =>
      bootstrap(100, (counts) => [counts[0] + counts[1] / 7 + mean(counts)[0] / 100], { seed });
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  it("leaves out draws that do not define a figure, and the interval where most do not", () => {
    const [rare, common] = bootstrap(20, (counts) => {
      const [first, second] = counts;
      return [first > 2 ? 1 : undefined, first + second > 0 ? 1 : undefined];
    });
    expect(rare).toBeUndefined();
    expect(common).toEqual({ lower: 1, upper: 1 });
  });
});

describe("a report with intervals", () => {
  it.each(reference.classification)("holds the figures of the one without, for $name", (stored) => {
    const batch = classificationBatch(stored);
    const { intervals, ...report } = reportWithIntervals([batch], stored.classes, { resamples: 100 });
    const { intervals: without, ...plain } = measure(classificationMetrics(stored.classes), [batch]);
    expect(report).toEqual(plain);
    expect(intervals).toMatchObject(without);
    const { balancedAccuracy } = intervals;
    expect(balancedAccuracy?.lower).toBeLessThanOrEqual(report.balancedAccuracy);
    expect(balancedAccuracy?.upper).toBeGreaterThanOrEqual(report.balancedAccuracy);
    expect(intervals.auc === undefined).toBe(report.auc === undefined);
  });

  it("leaves drawing out where it would take too long", () => {
    const count = 30_000;
    const batch = { classes: 2, labels: new Int32Array(count).fill(1, 9), probabilities: new Float32Array(2 * count) };
    const { intervals } = reportWithIntervals([batch], 2);
    expect(intervals.accuracy.lower).toBeGreaterThan(0);
    expect(intervals.macroF1).toBeUndefined();
  });

  it("draws each figure from the samples as a stream of them would measure it", () => {
    const [, stored] = reference.classification;
    const batch = classificationBatch(stored);
    const few = { resamples: 100 };
    const drawn = bootstrap(
      batch.labels.length,
      (counts) => {
        const { auc, matthews } = measure(classificationMetrics(batch.classes), [{ ...batch, weights: counts }]);
        return [auc, matthews];
      },
      few,
    );
    const { intervals } = reportWithIntervals([batch], stored.classes, few);
    expect(intervals.auc?.lower).toBeCloseTo(drawn[0]?.lower ?? Number.NaN, 12);
    expect(intervals.matthews?.upper).toBeCloseTo(drawn[1]?.upper ?? Number.NaN, 12);
  });
});
