import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Rows } from "../base/rows.ts";
import { finish } from "../base/steps.ts";
import { correlation, normalRows } from "./densityRatio.fixture.ts";
import { kernelMeanMatching, kernelMeanMatchingLimit } from "./kernelMeanMatching.ts";
import { kliep } from "./kliep.ts";

const numbers = z.array(z.number());
const common = {
  name: z.string(),
  features: z.number(),
  source: numbers,
  target: numbers,
  width: z.number(),
  weights: numbers,
};
const reference = z
  .object({
    kernelMeanMatching: z.array(z.object({ ...common, bound: z.number(), slack: z.number() })),
    kliep: z.array(z.object({ ...common, logLikelihood: z.number() })),
  })
  .parse(JSON.parse(readFileSync("test/reference/instanceWeights.json", "utf8")));

const rows = (values: readonly number[], width: number): Rows => ({ values, count: values.length / width, width });
const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
const same: Rows = { values: new Float64Array(8).fill(1), count: 4, width: 2 };

/** Source N(0, 1), target N((0.8, 0.4), 0.7²) along both axes, and the true ratio of their densities at the source. */
const source = normalRows(400, [0, 0], 1, "source");
const target = normalRows(400, [0.8, 0.4], 0.7, "target");
const truth = Float64Array.from({ length: source.count }, (_, i) => {
  const [x = 0, y = 0] = [source.values[2 * i], source.values[2 * i + 1]];
  return Math.exp((x * x + y * y) / 2 - ((x - 0.8) ** 2 + (y - 0.4) ** 2) / (2 * 0.49)) / 0.49;
});

describe("kernel mean matching", () => {
  it.each(reference.kernelMeanMatching)("solves the programme that CVXOPT solves: $name", (wanted) => {
    const { features, source, target, width, bound, slack, weights } = wanted;
    const options = { width, bound, slack, tolerance: 1e-8 };
    const found = finish(kernelMeanMatching(rows(source, features), rows(target, features), options));
    expect(found.residual).toBeLessThan(1e-8);
    // A residual of 1e-8 moves weights by n · 1e-8 over the kernel's least eigenvalue at most: 40 · 1e-8 · 5e4 / 10 = 2e-3 for the worst of these.
    for (const [i, weight] of weights.entries()) expect(Math.abs((found.weights[i] ?? 0) - weight)).toBeLessThan(2e-3);
    expect(Math.min(...found.weights)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...found.weights)).toBeLessThanOrEqual(bound);
    expect(Math.abs(sum(found.weights) / weights.length - 1)).toBeLessThanOrEqual(slack + 1e-12);
  });

  it("finds the ratio of two known densities", () => {
    const { weights } = finish(kernelMeanMatching(source, target));
    // Constant weights have none; weights of a single Gaussian of the wrong width (four medians) have 0.77.
    expect(correlation(weights, truth)).toBeGreaterThan(0.85);
  });

  it("weighs all the same where both sets are the same", () => {
    const { weights } = finish(kernelMeanMatching(source, source, { width: 0.1 }));
    for (const weight of weights) expect(weight).toBeCloseTo(1, 3);
  });

  it("refuses more rows than fit into memory, and rows that are all alike", () => {
    const many = { values: new Float64Array(0), count: kernelMeanMatchingLimit + 1, width: 0 };
    expect(() => finish(kernelMeanMatching(many, target))).toThrow(/found 6001 of them, at most 6000/);
    expect(() => finish(kernelMeanMatching(same, same))).toThrow("all rows are equal");
  });
});

describe("KLIEP", () => {
  it.each(reference.kliep)("finds the maximum that SciPy finds: $name", (wanted) => {
    const { features, source, target, width, weights } = wanted;
    const found = finish(kliep(rows(source, features), rows(target, features), { seed: 0, width }));
    expect(found.gap).toBeLessThan(1e-3);
    // Where the likelihood is within 1e-3 of its maximum, w is within √(2 · 1e-3) = 4.5 % of the best in the mean over the target rows.
    for (const [i, weight] of weights.entries())
      expect(Math.abs((found.weights[i] ?? 0) - weight)).toBeLessThan(0.05 * Math.max(...weights));
    expect(sum(found.weights) / weights.length).toBeCloseTo(1, 9);
  });

  it("finds the ratio of two known densities, with a width that held-out rows choose", () => {
    const { weights, width, trials } = finish(kliep(source, target, { seed: 0 }));
    // As above. The likelihood prefers narrow kernels, whose mean over 400 source rows is partly chance.
    expect(correlation(weights, truth)).toBeGreaterThan(0.8);
    const best = Math.max(...trials.map(({ logLikelihood }) => logLikelihood));
    expect(trials.find((trial) => trial.width === width)?.logLikelihood).toBe(best);
    expect(trials.at(-1)?.logLikelihood).toBeLessThan(best);
  });

  it("gives the same weights for the same seed", () => {
    const few = normalRows(150, [0.8, 0.4], 0.7, "few");
    const weightsOf = (seed: number) => finish(kliep(source, few, { seed, width: 0.5 })).weights;
    expect(weightsOf(5)).toEqual(weightsOf(5));
    expect(weightsOf(5)).not.toEqual(weightsOf(6));
  });

  it("does without cross-validation for a single target row", () => {
    const { weights, trials } = finish(kliep(source, rows([1, 1], 2), { seed: 0 }));
    expect(trials).toEqual([]);
    expect(sum(weights) / weights.length).toBeCloseTo(1, 9);
  });

  it("refuses rows that are all alike", () => {
    expect(() => finish(kliep(same, same, { seed: 0 }))).toThrow("all rows are equal");
  });
});
