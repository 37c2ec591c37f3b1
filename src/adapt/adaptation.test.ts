import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { matrix, product, stacked, transposed } from "../algebra/matrix.ts";
import type { Rows } from "../base/rows.ts";
import { createEngine } from "../node/engine.ts";
import { bda } from "./bda.ts";
import { coral } from "./coral.ts";
import { coralDistance } from "./coralDistance.ts";
import { type Adaptation, applyMap } from "./domainMap.ts";
import { geodesicFlow } from "./geodesicFlow.ts";
import { jda } from "./jda.ts";
import { mmd } from "./mmd.ts";
import { optimalTransport } from "./optimalTransport.ts";
import { semiSupervisedTca } from "./semiSupervisedTca.ts";
import { slicedWassersteinAlong } from "./slicedWasserstein.ts";
import { subspaceAlignment } from "./subspaceAlignment.ts";
import { tca } from "./tca.ts";

const floats = z.array(z.number());
const stored = z
  .object({
    width: z.number(),
    gamma: z.number(),
    labels: floats,
    source: floats,
    target: floats,
    new: floats,
    grams: z.record(z.string(), floats),
    moved: z.record(z.string(), floats),
    mmd: z.record(z.string(), z.object({ biased: z.number(), unbiased: z.number() })),
    coralDistance: z.number(),
    directions: floats,
    slicedWasserstein: z.number(),
  })
  .parse(JSON.parse(readFileSync("test/reference/adaptation.json", "utf8")));

const compute = { engine: createEngine({ threads: 1 }) };
const rowsOf = (values: number[]): Rows => ({ values, count: values.length / stored.width, width: stored.width });
const [source, target, fresh] = [rowsOf(stored.source), rowsOf(stored.target), rowsOf(stored.new)];
const domains = { source, target, labels: stored.labels };
const gaussian = { kind: "gaussian", gamma: stored.gamma } as const;

/** The reference has nine digits; eigenvectors are found to 1e-9 of the largest eigenvalue, over gaps of a tenth and more. */
const digits = 6;

const projections: Record<string, () => Promise<Adaptation>> = {
  "tca, linear": () => tca(domains, { dimensions: 3, regularisation: 0.5 }, compute),
  "tca, gaussian": () => tca(domains, { dimensions: 4, regularisation: 0.1, kernel: gaussian }, compute),
  "tca, projection": () => tca(domains, { dimensions: 3, regularisation: 0.5, penalty: "projection" }, compute),
  "semi-supervised tca": () =>
    semiSupervisedTca(
      domains,
      { dimensions: 3, regularisation: 0.5, labelWeight: 0.7, localityWeight: 10, neighbours: 4 },
      compute,
    ),
  jda: () => jda(domains, { dimensions: 3, regularisation: 0.5, iterations: 4 }, compute),
  "jda, gaussian coefficients": () =>
    jda(
      domains,
      { dimensions: 3, regularisation: 0.1, iterations: 4, kernel: gaussian, penalty: "coefficients" },
      compute,
    ),
  bda: () => bda(domains, { dimensions: 3, regularisation: 0.5, iterations: 4, balance: 0.3 }, compute),
  "subspace alignment": () => subspaceAlignment(domains, { dimensions: 3 }, compute),
  "geodesic flow": () => geodesicFlow(domains, { dimensions: 3 }, compute),
};

const transports: Record<string, () => Promise<Adaptation>> = {
  coral: () => coral(domains, { regularisation: 0.5 }, compute),
  "optimal transport": () => optimalTransport(domains, { regularisation: 0.02 }, compute),
  "optimal transport by class": () =>
    optimalTransport(
      domains,
      { regularisation: 0.05, classRegularisation: { labels: stored.labels, weight: 0.1 } },
      compute,
    ),
};

describe("domain adaptation equals another implementation in NumPy", () => {
  it.each(Object.keys(stored.grams))("inner products of all rows and of new ones: %s", async (name) => {
    const { source: from, target: to } = (await projections[name]?.()) ?? expect.fail(`no method for "${name}"`);
    const known = stacked(await applyMap(from, source, compute), await applyMap(to, target, compute));
    const all = stacked(known, await applyMap(from, fresh, compute));
    expectClose(product(all, transposed(all)).values, stored.grams[name]);
  });

  it.each(Object.keys(stored.moved))("where source rows and new ones go: %s", async (name) => {
    const { source: from } = (await transports[name]?.()) ?? expect.fail(`no method for "${name}"`);
    const all = stacked(await applyMap(from, source, compute), await applyMap(from, fresh, compute));
    expectClose(all.values, stored.moved[name]);
  });

  it.each(["biased", "unbiased"] as const)("maximum mean discrepancy, %s", async (estimator) => {
    const kernels = {
      linear: { kind: "linear" },
      gaussian: { kind: "gaussian", gammas: [stored.gamma] },
      multi: { kind: "multi", gammas: [0.02, 0.1, 0.5] },
    } as const;
    for (const [name, kernel] of Object.entries(kernels)) {
      const found = await mmd(domains, { kernel, estimator }, compute);
      expect(found).toBeCloseTo(stored.mmd[name]?.[estimator] ?? Number.NaN, 7);
    }
  });

  it("the distances of covariances and along given directions", async () => {
    expect(await coralDistance(domains, compute)).toBeCloseTo(stored.coralDistance, 8);
    const directions = matrix(
      stored.directions.length / stored.width,
      stored.width,
      Float64Array.from(stored.directions),
    );
    expect(await slicedWassersteinAlong(domains, directions, compute)).toBeCloseTo(stored.slicedWasserstein, 8);
  });
});

function expectClose(found: Float64Array, expected: readonly number[] | undefined): void {
  expect(found.length).toBe(expected?.length);
  const largest = Math.max(...(expected ?? []).map(Math.abs));
  let most = 0;
  for (const [i, value] of found.entries()) most = Math.max(most, Math.abs(value - (expected?.[i] ?? Number.NaN)));
  expect(most / largest).toBeLessThan(10 ** -digits);
}
