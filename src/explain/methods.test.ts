import { describe, expect, it } from "vitest";
import { eigenCam } from "./eigenCam.ts";
import { faithfulness, randomMap } from "./faithfulness.ts";
import { gradCam } from "./gradCam.ts";
import { gradCamPlusPlus } from "./gradCamPlusPlus.ts";
import { enlarge, forDisplay, sampleAt } from "./heatMap.ts";
import { integratedGradients } from "./integratedGradients.ts";
import { occlusion } from "./occlusion.ts";
import { rankCorrelation } from "./rankCorrelation.ts";
import { smoothGrad } from "./smoothGrad.ts";

/** Two maps of 1 × 2 cells. */
const maps = {
  channels: 2,
  height: 1,
  width: 2,
  values: Float32Array.of(1, 3, 2, 0),
  gradient: Float32Array.of(1, 0, -0.5, -0.5),
};

describe("by hand", () => {
  it("Grad-CAM weighs maps by their mean gradient and keeps what is positive", () => {
    // α = 1/2 and −1/2: [0.5 − 1, 1.5 − 0].
    expect([...gradCam(maps).values]).toEqual([0, 1.5]);
  });

  it("Grad-CAM++ counts positive gradients alone, each by its α", () => {
    // First map: α = 1/(2 + 4·1) at its first cell, w = 1/6. Second: nothing positive, w = 0.
    const { values } = gradCamPlusPlus(maps);
    expect(values[0]).toBeCloseTo(1 / 6, 12);
    expect(values[1]).toBeCloseTo(3 / 6, 12);
  });

  it("Eigen-CAM of maps that are multiples of one picture is that picture", async () => {
    // O = [1, 2, 2]ᵀ·[1, 2]: v₁ = [1, 2]/√5, O·v₁ = √5·[1, 2, 2].
    const same = { channels: 2, height: 1, width: 3, values: Float32Array.of(1, 2, 2, 2, 4, 4) };
    const found = [...(await eigenCam(same)).values];
    for (const [i, value] of [1, 2, 2].entries()) expect(found[i]).toBeCloseTo(Math.sqrt(5) * value, 9);
  });
});

describe("a linear network", () => {
  const weights = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i));
  const image = Float32Array.from({ length: 48 }, (_, i) => (37 * i) % 256);
  const scoreOf = (pixels: Float32Array) => pixels.reduce((sum, level, i) => sum + level * (weights[i] ?? 0), 0);
  const gradientOf = async (images: readonly Float32Array[]) => images.map(() => weights);

  it("has its weights as SmoothGrad", async () => {
    const found = await smoothGrad(image, gradientOf);
    for (const [i, weight] of weights.entries()) expect(found[i]).toBeCloseTo(weight, 6);
  });

  it("has weight times difference as integrated gradients, whatever the steps", async () => {
    const baseline = new Float32Array(48).fill(10);
    const found = await integratedGradients(image, gradientOf, { baseline, steps: 3 });
    for (const [i, weight] of weights.entries()) expect(found[i]).toBeCloseTo(weight * ((image[i] ?? 0) - 10), 3);
  });

  it("loses by a hidden pixel what its weights gave", async () => {
    const scores = async (images: readonly Float32Array[]) => images.map(scoreOf);
    const { values } = await occlusion(image, 4, scores, { patch: 1, stride: 1, level: 100 });
    for (const [pixel, fall] of values.entries()) {
      let expected = 0;
      for (let at = 3 * pixel; at < 3 * pixel + 3; at++) expected += (weights[at] ?? 0) * ((image[at] ?? 0) - 100);
      expect(fall).toBeCloseTo(expected, 2);
    }
  });
});

it("integrated gradients sum to f(x) − f(baseline)", async () => {
  // f = Σ x³, whose gradient along the path is a parabola: the midpoint rule errs by 1/(4·steps²) of it.
  const image = Float32Array.of(1, 2, -3, 0.5);
  const cube = async (images: readonly Float32Array[]) => images.map((x) => x.map((level) => 3 * level ** 2));
  const found = await integratedGradients(image, cube, { steps: 100 });
  const total = image.reduce((sum, level) => sum + level ** 3, 0);
  expect(Math.abs(found.reduce((a, b) => a + b) - total)).toBeLessThan(Math.abs(total) * 1e-4);
});

it("SmoothGrad is the same for the same seed, and another for another", async () => {
  const image = Float32Array.from({ length: 12 }, (_, i) => 20 * i);
  const square = async (images: readonly Float32Array[]) => images.map((x) => x.map((level) => 2 * level));
  const first = await smoothGrad(image, square);
  expect(await smoothGrad(image, square)).toEqual(first);
  expect(await smoothGrad(image, square, { seed: 1 })).not.toEqual(first);
});

it("occlusion hides every pixel also where the stride does not divide the side", async () => {
  const image = new Float32Array(5 * 5 * 3).fill(200);
  const sums = async (images: readonly Float32Array[]) => images.map((x) => x.reduce((a, b) => a + b, 0));
  const { values } = await occlusion(image, 5, sums, { patch: 2, stride: 2, level: 0 });
  // Each patch hides 2 × 2 pixels of 600.
  expect([...values]).toEqual(Array(25).fill(2400));
});

describe("deletion and insertion", () => {
  const side = 8;
  const image = new Float32Array(side * side * 3).fill(127.5);
  for (let pixel = 0; pixel < 16; pixel++) image.fill(255, 3 * pixel, 3 * pixel + 3);
  /** How much of the bright quarter is there. */
  const brightness = async (images: readonly Float32Array[]) =>
    images.map((x) => {
      let sum = 0;
      for (let at = 0; at < 48; at++) sum += Math.max(0, (x[at] ?? 0) - 127.5) / 127.5 / 48;
      return sum;
    });
  const mapOf = (value: (pixel: number) => number) => ({
    width: side,
    height: side,
    values: Float64Array.from({ length: side * side }, (_, pixel) => value(pixel)),
  });

  it("of the very pixels that matter are what geometry says", async () => {
    const right = await faithfulness(
      image,
      side,
      mapOf((pixel) => (pixel < 16 ? 1 : 0)),
      brightness,
      { steps: 64 },
    );
    // A straight fall to 0 over the first quarter.
    expect(right.deletion).toBeCloseTo(1 / 8, 6);
    const wrong = await faithfulness(
      image,
      side,
      mapOf((pixel) => pixel),
      brightness,
      { steps: 64 },
    );
    expect(wrong.deletion).toBeCloseTo(7 / 8, 6);
    expect(right.insertion).toBeGreaterThan(wrong.insertion);
  });

  it("lie between for noise, which a seed decides", async () => {
    const noise = randomMap({ width: side, height: side, values: new Float64Array(0) }, 0, 0);
    const { deletion } = await faithfulness(image, side, noise, brightness);
    expect(deletion).toBeGreaterThan(1 / 8);
    expect(deletion).toBeLessThan(7 / 8);
    expect(randomMap(noise, 0, 0)).toEqual(noise);
    expect(randomMap(noise, 0, 1)).not.toEqual(noise);
  });
});

describe("maps", () => {
  const map = { width: 2, height: 1, values: Float64Array.of(0, 4) };

  it("are enlarged between the middles of their cells", () => {
    // Middles of four columns at ⅛, ⅜, …: before the first and after the last middle of the two cells nothing changes.
    expect([...enlarge(map, 4).values].slice(0, 4)).toEqual([0, 1, 3, 4]);
    expect(sampleAt(map, 0.5, 0.9)).toBe(2);
  });

  it("show what is positive, the brightest as 1", () => {
    expect([...forDisplay({ width: 3, height: 1, values: Float64Array.of(-2, 1, 4) }).values]).toEqual([0, 1, 1]);
    expect([...forDisplay({ width: 2, height: 1, values: new Float64Array(2) }).values]).toEqual([0, 0]);
  });

  it("are compared by ranks", () => {
    expect(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 400])).toBeCloseTo(1, 12);
    expect(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1])).toBeCloseTo(-1, 12);
    // scipy.stats.spearmanr([1, 2, 2, 3], [1, 3, 2, 4]) = 0.9486832980505138
    expect(rankCorrelation([1, 2, 2, 3], [1, 3, 2, 4])).toBeCloseTo(0.9486832980505138, 12);
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBe(0);
  });
});
