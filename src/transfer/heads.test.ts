import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { nodePlatform } from "../node/platform.ts";
import { arrays } from "../train/data.ts";
import { Evaluator } from "../train/evaluator.ts";
import { TrainingState } from "../train/state.ts";
import { classMeans, cosineClassifier } from "./cosineHead.ts";
import { nearestNeighbours, surveyNeighbours } from "./nearestNeighbours.ts";

const { engine } = nodePlatform();
const width = 4;

/** `count` features a class: each points its own way, with noise, and with lengths that say nothing. */
function directions(count: number, noise: number) {
  const rows = 3 * count;
  const x = new Float32Array(rows * width);
  const y = Int32Array.from({ length: rows }, (_, i) => i % 3);
  for (let i = 0; i < rows; i++) {
    const random = stream(3, "directions", 0, i);
    const length = random.uniform(0.1, 10);
    for (let k = 0; k < width; k++) x[i * width + k] = length * ((k === i % 3 ? 1 : 0) + noise * random.normal());
  }
  return { x, y, data: arrays({ x, y, inputShape: [width] }) };
}

const unit = (v: readonly number[]) => v.map((entry) => entry / Math.hypot(...v));

describe("the prototype head", () => {
  it("has the mean of unit-length features as direction of each class, and names the nearest", async () => {
    const { x, y, data } = directions(8, 0.3);
    const weights = await classMeans(data, 3);
    const rows = Array.from(y, (_, i) => unit([...x.subarray(i * width, (i + 1) * width)]));
    const means = [0, 1, 2].map((c) => {
      const own = rows.filter((_, i) => y[i] === c);
      return unit(Array.from({ length: width }, (_, k) => own.reduce((sum, row) => sum + (row[k] ?? 0), 0)));
    });
    const kernel = weights.get("head/kernel")?.floats ?? [];
    for (const [c, mean] of means.entries())
      for (const [k, entry] of mean.entries()) expect(kernel[k * 3 + c]).toBeCloseTo(entry, 5);
    const network = sequentialNetwork([cosineClassifier(3)], [width]);
    const { floats } = await new Evaluator(network, engine).predict(data, new TrainingState(weights), 8);
    for (const [i, row] of rows.entries()) {
      const cosines = means.map((mean) => mean.reduce((sum, entry, k) => sum + entry * (row[k] ?? 0), 0));
      const probabilities = [...floats.subarray(i * 3, i * 3 + 3)];
      expect(probabilities.indexOf(Math.max(...probabilities))).toBe(cosines.indexOf(Math.max(...cosines)));
    }
  });

  it("is surer of itself where the classes lie further apart, and has a scale with one image a class", async () => {
    const scale = async (count: number, noise: number) =>
      (await classMeans(directions(count, noise).data, 3)).get("head/scale")?.floats[0] ?? 0;
    expect(await scale(10, 0.05)).toBeGreaterThan(await scale(10, 1));
    expect(await scale(1, 0.3)).toBe(10);
  });

  it("takes a feature of zeros without dividing by its length", async () => {
    const data = arrays({ x: new Float32Array(2 * width), y: [0, 1], inputShape: [width] });
    const weights = await classMeans(data, 2);
    const network = sequentialNetwork([cosineClassifier(2)], [width]);
    const { floats } = await new Evaluator(network, engine).predict(data, new TrainingState(weights), 2);
    expect([...floats]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });
});

describe("nearest neighbours", () => {
  const options = { classes: 3, classWeights: undefined };

  it("judge each image by the others, never by itself", async () => {
    // Every class name is drawn by chance: with itself among the neighbours each image would be right.
    const { x } = directions(20, 3);
    const y = Int32Array.from({ length: 60 }, (_, i) => stream(5, "chance", 0, i).below(3));
    const survey = await surveyNeighbours(arrays({ x, y, inputShape: [width] }), { ...options, images: 60 }, engine);
    expect(survey.accuracy).toBeLessThan(0.6);
  });

  it("count variants of an image as the image itself", async () => {
    const { x } = directions(20, 3);
    const y = Int32Array.from({ length: 60 }, (_, i) => stream(5, "chance", 0, i).below(3));
    const twice = arrays({ x: Float32Array.from([...x, ...x]), y: Int32Array.from([...y, ...y]), inputShape: [width] });
    const survey = await surveyNeighbours(twice, { ...options, images: 60 }, engine);
    expect(survey.accuracy).toBeLessThan(0.6);
  });

  it("give the shares of the votes, as plain numbers do", async () => {
    const { x, y, data } = directions(6, 0.8);
    const { weights } = await surveyNeighbours(data, { ...options, images: 18 }, engine);
    const network = sequentialNetwork([nearestNeighbours(3, 18, 5)], [width]);
    const { floats } = await new Evaluator(network, engine).predict(data, new TrainingState(weights), 6);
    const rows = Array.from(y, (_, i) => unit([...x.subarray(i * width, (i + 1) * width)]));
    for (const [i, row] of rows.entries()) {
      const alike = rows
        .map((other, j) => ({ c: y[j] ?? 0, cosine: other.reduce((sum, entry, k) => sum + entry * (row[k] ?? 0), 0) }))
        .sort((a, b) => b.cosine - a.cosine)
        .slice(0, 5);
      const votes = [0, 1, 2].map((c) =>
        alike.reduce((sum, one) => sum + (one.c === c ? Math.exp((one.cosine - 1) / 0.07) : 0), 0),
      );
      const total = votes.reduce((a, b) => a + b);
      for (const [c, vote] of votes.entries())
        expect(floats[i * 3 + c]).toBeCloseTo(0.99 * (vote / total) + 0.01 / 3, 4);
    }
  });

  it("are one where there is a single other image", async () => {
    const data = arrays({ x: new Float32Array([1, 0, 0, 0, 0, 1, 0, 0]), y: [0, 1], inputShape: [width] });
    expect((await surveyNeighbours(data, { classes: 2, classWeights: undefined, images: 2 }, engine)).neighbours).toBe(
      1,
    );
  });
});
