import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { batchOf } from "./batches.fixture.ts";
import { precisionRecallCurve, rocCurve } from "./curves.ts";

const digits = 9;

describe.each(reference.curves)("scikit-learn's curves, $name", ({ labels, probabilities, weights, ...expected }) => {
  const batch = {
    classes: 2,
    labels: Int32Array.from(labels),
    probabilities: Float32Array.from(probabilities),
    ...(weights === undefined ? {} : { weights: Float32Array.from(weights) }),
  };

  it("ROC", () => {
    const [origin, ...points] = rocCurve(batch, 1);
    expect(origin.threshold).toBe(Number.POSITIVE_INFINITY);
    expect(points.map(({ threshold }) => threshold)).toEqual(expected.roc.threshold);
    for (const [i, point] of [origin, ...points].entries()) {
      expect(point.falsePositiveRate).toBeCloseTo(expected.roc.falsePositiveRate[i], digits);
      expect(point.truePositiveRate).toBeCloseTo(expected.roc.truePositiveRate[i], digits);
    }
  });

  it("precision and recall", () => {
    const points = precisionRecallCurve(batch, 1);
    expect(points.slice(0, -1).map(({ threshold }) => threshold)).toEqual(expected.precisionRecall.threshold);
    expect(points).toHaveLength(expected.precisionRecall.precision.length);
    for (const [i, point] of points.entries()) {
      expect(point.precision).toBeCloseTo(expected.precisionRecall.precision[i], digits);
      expect(point.recall).toBeCloseTo(expected.precisionRecall.recall[i], digits);
    }
  });
});

it("a curve of a class without samples is refused", () => {
  const batch = batchOf(
    [0, 0],
    [
      [0.5, 0.5],
      [0.25, 0.75],
    ],
  );
  const refused = expect.objectContaining({ code: "data" });
  expect(() => rocCurve(batch, 1)).toThrow(refused);
  expect(() => rocCurve(batch, 0)).toThrow(refused);
  expect(() => precisionRecallCurve(batch, 1)).toThrow(refused);
  expect(precisionRecallCurve(batch, 0)).toHaveLength(3);
});
