import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { batchOf } from "./batches.fixture.ts";
import type { ClassificationBatch } from "./classificationBatch.ts";
import { type ConformalOptions, fitConformal, predictionSets } from "./conformal.ts";

const classes = 5;

/** Samples whose truth is drawn from other probabilities than the model's, which is over-confident: conformal sets must not mind. */
function exchangeable(count: number, seed: number): ClassificationBatch {
  const labels = new Int32Array(count);
  const probabilities = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    const random = stream(seed, "exchangeable", 0, i);
    const logits = Array.from({ length: classes }, () => 1.5 * random.normal());
    const truth = softmax(logits);
    const at = random.uniform();
    labels[i] = truth.findIndex((_, c) => at < truth.slice(0, c + 1).reduce((sum, p) => sum + p, 0));
    if (labels[i] < 0) labels[i] = classes - 1;
    probabilities.set(softmax(logits.map((z) => 3 * z)), i * classes);
  }
  return { classes, labels, probabilities };
}

function softmax(logits: readonly number[]): readonly number[] {
  const powers = logits.map((z) => Math.exp(z - Math.max(...logits)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** How often sets hold the true class, and how many classes they have, over several calibrations. */
function tried(options: ConformalOptions, calibrations = 40) {
  const count = 200;
  let covered = 0;
  let size = 0;
  for (let trial = 0; trial < calibrations; trial++) {
    const conformal = fitConformal(exchangeable(count, 2 * trial), options);
    const fresh = exchangeable(count, 2 * trial + 1);
    predictionSets(fresh.probabilities, classes, conformal).forEach((set, i) => {
      if (set.includes(fresh.labels[i])) covered++;
      size += set.length;
    });
  }
  return { coverage: covered / (count * calibrations), size: size / (count * calibrations) };
}

describe("conformal sets", () => {
  // With n = 200 a trial's coverage lies in [c, c + 1/201] on average (Vovk et al. 2005) and varies by calibration and by test, √(2·c(1 − c)/200) = 0.03 at
  // c = 0.9; the mean of 40 trials by 0.0047. Three times that is 0.014, and the same bound does for 0.7 with 0.022.
  it.each([
    [{ score: "lac", coverage: 0.9 }, 0.014],
    [{ score: "aps", coverage: 0.9, seed: 1 }, 0.014],
    [{ score: "lac", coverage: 0.7 }, 0.022],
    [{ score: "aps", coverage: 0.7, seed: 1 }, 0.022],
  ] as const)("hold the true class as often as asked for: %o", (options, tolerance) => {
    const { coverage } = tried(options);
    expect(coverage).toBeGreaterThan(options.coverage - tolerance);
    expect(coverage).toBeLessThan(options.coverage + 1 / 201 + tolerance);
  });

  it("hold it also without draws, and are smallest by lac", () => {
    const plain = tried({ score: "aps", coverage: 0.9 });
    expect(plain.coverage).toBeGreaterThan(0.9 - 0.014);
    expect(tried({ score: "lac", coverage: 0.9 }).size).toBeLessThan(plain.size);
  });

  it("take the rank that the promise needs, by hand", () => {
    // Scores 0.1, 0.2, 0.3, 0.4: (4 + 1) · 0.6 = 3, the third smallest.
    const batch = batchOf(
      [0, 0, 0, 0],
      [0.9, 0.6, 0.8, 0.7].map((p) => [p, 1 - p]),
    );
    const conformal = fitConformal(batch, { coverage: 0.6 });
    expect(conformal.threshold).toBeCloseTo(0.3, 6);
    const sets = predictionSets(Float32Array.of(0.75, 0.25, 0.1, 0.9, 0.5, 0.5), 2, conformal);
    expect(sets).toEqual([[0], [1], []]);
  });

  it("hold every class where the samples are too few for the promise", () => {
    const conformal = fitConformal(
      batchOf(
        [0, 1],
        [
          [0.9, 0.1],
          [0.2, 0.8],
        ],
      ),
      { coverage: 0.9 },
    );
    expect(conformal.threshold).toBe(Number.POSITIVE_INFINITY);
    expect(predictionSets(Float32Array.of(0.3, 0.7), 2, conformal)).toEqual([[1, 0]]);
  });

  it("refuse a coverage that is none, and weights", () => {
    const usage = expect.objectContaining({ code: "usage" });
    expect(() => fitConformal(batchOf([0], [[0.9, 0.1]]), { coverage: 1 })).toThrow(usage);
    expect(() => fitConformal(batchOf([0], [[0.9, 0.1]], [2]))).toThrow(usage);
  });
});
