import { describe, expect, it } from "vitest";
import { logOdds } from "./check.ts";
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
  /** Black but for a quarter above, of levels that their neighbours do not tell. */
  const image = new Float32Array(side * side * 3);
  for (let pixel = 0; pixel < 16; pixel++) image.fill(100.5 + ((37 * pixel) % 101), 3 * pixel, 3 * pixel + 3);
  /** The share of that quarter's pixels that are there. */
  const sharpness = async (images: readonly Float32Array[]) =>
    images.map((x) =>
      Array.from({ length: 16 }, (_, pixel) => Number(x[3 * pixel] === image[3 * pixel]) / 16).reduce((a, b) => a + b),
    );
  const mapOf = (value: (pixel: number) => number) => ({
    width: side,
    height: side,
    values: Float64Array.from({ length: side * side }, (_, pixel) => value(pixel)),
  });
  const right = mapOf((pixel) => (pixel < 16 ? 1 : 0));
  const wrong = mapOf((pixel) => (pixel < 16 ? 0 : 1));
  const blank = mapOf(() => 0);

  it("of the very pixels that matter are what geometry says", async () => {
    const steps = 64;
    const [best, worst] = await faithfulness(image, side, [right, wrong], sharpness, { steps });
    // A straight fall to 0 over the first quarter, or over the last: the ends of the curves, alike for all maps, are left out.
    const [least, most] = [7.5 / (steps - 1), 55.5 / (steps - 1)];
    expect(best?.deletion).toBeCloseTo(least, 6);
    expect(worst?.deletion).toBeCloseTo(most, 6);
    // The other way: a straight rise.
    expect(best?.insertion).toBeCloseTo(most, 6);
    expect(worst?.insertion).toBeCloseTo(least, 6);
  });

  it("lie between for noise, which a seed decides", async () => {
    const noise = randomMap(blank, 0, 0);
    const [found] = await faithfulness(image, side, [noise], sharpness);
    expect(found?.deletion).toBeGreaterThan(1 / 8);
    expect(found?.deletion).toBeLessThan(7 / 8);
    expect(randomMap(noise, 0, 0)).toEqual(noise);
    expect(randomMap(noise, 0, 1)).not.toEqual(noise);
  });

  it("of a map that says nothing are those of noise: it wins and loses as often, wherever the object lies", async () => {
    const trials = 200;
    let wins = 0;
    for (let seed = 0; seed < trials; seed++) {
      const noise = Array.from({ length: 5 }, (_, draw) => randomMap(blank, seed, draw));
      const [silent, ...random] = await faithfulness(image, side, [blank, ...noise], sharpness, { steps: 8, seed });
      const mean = random.reduce((sum, { deletion }) => sum + deletion, 0) / random.length;
      wins += Number((silent?.deletion ?? 0) < mean);
    }
    // A fair coin stays within four deviations of one half.
    expect(Math.abs(wins / trials - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / trials));
  });
});

describe("log-odds of a class", () => {
  it("are those of its probability, and not saturated where that is", () => {
    const answer = (...scores: number[]) => {
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      return {
        scores: Float32Array.from(scores),
        probabilities: Float32Array.from(scores, (score) => Math.exp(score) / total),
      };
    };
    const p = answer(1, 0.5, -1).probabilities[0] ?? 0;
    expect(logOdds(answer(1, 0.5, -1), 0)).toBeCloseTo(Math.log(p / (1 - p)), 5);
    expect(logOdds(answer(60, 0), 0)).toBeCloseTo(60, 5);
    // No logits: the scores are the probabilities.
    const only = Float32Array.of(0.8, 0.2);
    expect(logOdds({ scores: only, probabilities: only }, 0)).toBeCloseTo(Math.log(4), 5);
    expect(logOdds({ scores: Float32Array.of(1, 0), probabilities: Float32Array.of(1, 0) }, 0)).toBeLessThan(20);
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
