import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { operatingPoints } from "./operatingPoints.ts";

/** Two classes; the probabilities of the second, and which images are of it. */
function batchOf(second: readonly number[], isSecond: readonly boolean[]) {
  return {
    probabilities: Float32Array.from(second.flatMap((p) => [1 - p, p])),
    labels: Int32Array.from(isSecond, Number),
    classes: 2,
  };
}

describe("operating points", () => {
  it("keep the most recall at a precision, by hand", () => {
    // Named from the highest: right, right, wrong, right, wrong → precisions 1, 1, 2/3, 3/4, 3/5.
    const batch = batchOf([0.9, 0.8, 0.7, 0.6, 0.2], [true, true, false, true, false]);
    const at = (atLeast: number) => operatingPoints(batch, { of: "precision", atLeast })[1];
    expect(at(0.75)).toMatchObject({ threshold: Math.fround(0.6), precision: 0.75, recall: 1, named: 4 });
    expect(at(0.9)).toMatchObject({ threshold: Math.fround(0.8), precision: 1, recall: 2 / 3, named: 2 });
    expect(operatingPoints(batch, { of: "recall", atLeast: 0.5 })[1]).toMatchObject({ recall: 2 / 3, precision: 1 });
  });

  it("name images of one probability together", () => {
    const batch = batchOf([0.5, 0.5, 0.5], [true, false, false]);
    expect(operatingPoints(batch, { of: "precision", atLeast: 0.5 })[1]).toBeUndefined();
    expect(operatingPoints(batch, { of: "recall", atLeast: 1 })[1]).toMatchObject({ named: 3, precision: 1 / 3 });
  });

  it("are none for a class without images", () => {
    expect(operatingPoints(batchOf([0.9, 0.1], [false, false]), { of: "recall", atLeast: 0.5 })[1]).toBeUndefined();
  });

  it("are true of the images at or above the threshold, whatever the images", () => {
    const sample = fc.record({ p: fc.float({ min: 0, max: 1, noNaN: true }), isSecond: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (samples, atLeast) => {
          const batch = batchOf(
            samples.map(({ p }) => p),
            samples.map(({ isSecond }) => isSecond),
          );
          const [, point] = operatingPoints(batch, { of: "precision", atLeast });
          if (point === undefined) return;
          const named = samples.filter(({ p }) => p >= point.threshold);
          const right = named.filter(({ isSecond }) => isSecond).length;
          expect(point.named).toBe(named.length);
          expect(point.precision).toBeCloseTo(right / named.length, 12);
          expect(point.precision).toBeGreaterThanOrEqual(atLeast);
        },
      ),
    );
  });
});
