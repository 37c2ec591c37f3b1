import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { arrays, type TrainingData } from "../train/data.ts";
import { classLearning, drawMix, type Mixing } from "./mixing.ts";

const side = 12;
const count = 30;
/** Images of one level: 0 for class 0, 100 for class 1. */
const labels = Array.from({ length: count }, (_, i) => i % 2);
const pixels = Uint8Array.from(
  { length: count * side * side * 3 },
  (_, at) => 100 * (labels[Math.floor(at / (side * side * 3))] ?? 0),
);
const data = arrays({ x: pixels, y: labels, inputShape: [side, side, 3] });
const indices = labels.map((_, i) => 100 + i);
const all = Uint32Array.from(labels, (_, i) => i);

function taughtBy(
  mixing: Mixing,
  classWeights: readonly number[] | undefined = undefined,
  labelSmoothing = 0,
): TrainingData {
  const { taught } = classLearning({ mixing, seed: 3, classes: 2, classWeights }, labelSmoothing);
  if (taught === undefined) throw new Error("nothing is mixed");
  return taught(data, indices, true);
}

async function valuesOf(mixed: TrainingData, epoch: number): Promise<Float32Array> {
  const targets = await mixed.targetsOf?.(epoch);
  if (targets?.kind !== "values") throw new Error("expected rows");
  return targets.values;
}

describe("mixing", () => {
  it.each([
    ["mixup", { mixup: 0.4, cutmix: 0 }],
    ["cutmix", { mixup: 0, cutmix: 1 }],
    ["both", { mixup: 0.4, cutmix: 1 }],
  ])("%s gives labels the shares that their images have", async (_, mixing) => {
    const mixed = taughtBy(mixing);
    const images = (await mixed.load(all, 2)).floats;
    const rows = await valuesOf(mixed, 2);
    const size = side * side * 3;
    let between = 0;
    for (let i = 0; i < count; i++) {
      const level = images.subarray(i * size, (i + 1) * size).reduce((a, b) => a + b, 0) / size / 100;
      expect(rows[2 * i + 1]).toBeCloseTo(level, 5);
      expect((rows[2 * i] ?? 0) + (rows[2 * i + 1] ?? 0)).toBeCloseTo(1, 5);
      between += Number(level > 0.01 && level < 0.99);
    }
    expect(between).toBeGreaterThan(3);
  });

  it("is a function of epoch and image, whatever the batch", async () => {
    const mixed = taughtBy({ mixup: 0.4, cutmix: 1 });
    const whole = (await mixed.load(all, 1)).floats;
    const some = (await mixed.load(Uint32Array.of(7, 3), 1)).floats;
    const size = side * side * 3;
    expect(some.subarray(0, size)).toEqual(whole.subarray(7 * size, 8 * size));
    expect((await mixed.load(all, 2)).floats).not.toEqual(whole);
    expect(await valuesOf(mixed, 1)).toEqual(await valuesOf(taughtBy({ mixup: 0.4, cutmix: 1 }), 1));
  });

  it("measures on images as they are, weights classes and smooths labels", async () => {
    const mixed = taughtBy({ mixup: 0.4, cutmix: 0 }, [1, 3], 0.1);
    expect((await mixed.load(Uint32Array.of(1), undefined)).floats.every((level) => level === 100)).toBe(true);
    if (mixed.targets.kind !== "values") throw new Error("expected rows");
    expect([...mixed.targets.values.subarray(0, 4)].map((x) => Number(x.toFixed(4)))).toEqual([0.95, 0.05, 0.15, 2.85]);
  });

  it("draws shares from 0 to 1 with a mean of one half, and patches that lie in the image", () => {
    const settings = fc.record({ alpha: fc.double({ min: 0.05, max: 2, noNaN: true }), seed: fc.nat(1000) });
    fc.assert(
      fc.property(settings, ({ alpha, seed }) => {
        const { share, patch, partner } = drawMix({ mixup: 0, cutmix: alpha }, stream(seed, "test"), 5, side);
        expect(partner).toBeLessThan(5);
        const [left = 0, top = 0, right = 0, bottom = 0] = patch ?? [];
        for (const edge of [left, top, side - right, side - bottom]) expect(edge).toBeGreaterThanOrEqual(0);
        expect(share).toBeCloseTo(1 - ((right - left) * (bottom - top)) / side ** 2, 12);
      }),
    );
    const shares = Array.from(
      { length: 4000 },
      (_, i) => drawMix({ mixup: 0.4, cutmix: 0 }, stream(i, "mean"), 5, side).share,
    );
    const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
    expect(mean).toBeCloseTo(0.5, 1);
    // Of Beta(α, α): 1 / (4·(2α + 1)).
    expect(variance).toBeCloseTo(1 / 7.2, 1);
  });
});
