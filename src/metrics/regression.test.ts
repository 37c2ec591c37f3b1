import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { regressionBatch } from "./batches.fixture.ts";
import { measure } from "./metric.ts";
import { mae, mse, type RegressionBatch, regressionMetrics } from "./regression.ts";

const batch = (predictions: readonly number[], targets: readonly number[], units = 1): RegressionBatch => ({
  units,
  predictions: Float32Array.from(predictions),
  targets: Float32Array.from(targets),
});

describe.each(reference.regression)("scikit-learn's values for $name", (stored) => {
  it("mae and mse", () => {
    // Stored values carry 9 significant digits.
    expect(measure(mae(), [regressionBatch(stored)])).toBeCloseTo(stored.expected.mae, 8);
    expect(measure(mse(), [regressionBatch(stored)])).toBeCloseTo(stored.expected.mse, 7);
  });

  it("the whole report", () => {
    const report = measure(regressionMetrics(), [regressionBatch(stored)]);
    expect(report.mae).toBeCloseTo(stored.expected.mae, 8);
    expect(report.rmse).toBeCloseTo(Math.sqrt(stored.expected.mse), 7);
    expect(report.r2).toBeCloseTo(stored.expected.r2, 7);
  });
});

describe("regression metrics", () => {
  it("leave samples of weight 0 out, whatever they hold", () => {
    const padded = { ...batch([1, Number.NaN], [3, 0]), weights: Float32Array.of(1, 0) };
    expect(measure(mae(), [padded])).toBe(2);
    expect(measure(mse(), [padded])).toBe(4);
  });

  it.each([
    ["diverged", "a prediction that is not a number", batch([1, Number.NaN], [1, 1]), "sample 1"],
    ["shape", "fewer targets than predictions", batch([1, 2], [1]), "2 predictions for 1 targets"],
    ["shape", "half a sample", batch([1, 2, 3], [1, 2, 3], 2), "a multiple of 2"],
  ] as const)("refuse with %s: %s", (code, _, wrong, message) => {
    expect(() => measure(mse(), [wrong])).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("explain no variance where there is none", () => {
    expect(measure(regressionMetrics(), [batch([1, 3], [2, 2])])).toEqual({ count: 2, mae: 1, rmse: 1 });
  });

  it("have no value of nothing", () => {
    expect(() => measure(mae(), [])).toThrow(expect.objectContaining({ code: "data" }));
    expect(() => measure(regressionMetrics(), [])).toThrow(expect.objectContaining({ code: "data" }));
  });
});
