import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { createEngine } from "../node/engine.ts";
import { coralDistance } from "./coralDistance.ts";
import { mmd, mmdTest } from "./mmd.ts";
import { proxyADistance } from "./proxyADistance.ts";
import { slicedWasserstein } from "./slicedWasserstein.ts";

const compute = { engine: createEngine({ threads: 1 }) };

function cloud(count: number, width: number, { at = 0, seed = 0 }): Rows {
  const random = stream(seed, "cloud");
  return { values: Float64Array.from({ length: count * width }, () => at + random.normal()), count, width };
}
const line = (...values: number[]): Rows => ({ values, count: values.length, width: 1 });

describe("discrepancies of two domains", () => {
  it("by hand on a line", async () => {
    const domains = { source: line(0, 2), target: line(3, 5) };
    // Means 1 and 4; variances 2 and 2; each sorted value moves by 3.
    expect(await mmd(domains, { kernel: { kind: "linear" }, estimator: "biased" }, compute)).toBeCloseTo(9, 12);
    // Unbiased: 0·2 + 3·5 − 2·1·4.
    expect(await mmd(domains, { kernel: { kind: "linear" } }, compute)).toBeCloseTo(7, 12);
    expect(await coralDistance(domains, compute)).toBeCloseTo(0, 12);
    expect(await coralDistance({ source: line(0, 2), target: line(0, 4) }, compute)).toBeCloseTo(36 / 4, 12);
    expect(await slicedWasserstein(domains, {}, compute)).toBeCloseTo(3, 12);
    const gaussian = { kind: "gaussian", gammas: [0.1] } as const;
    const k = (d: number) => Math.exp(-0.1 * d * d);
    const across = (k(3) + k(5) + k(1) + k(3)) / 2;
    expect(await mmd(domains, { kernel: gaussian }, compute)).toBeCloseTo(2 * k(2) - across, 12);
    expect(await mmd(domains, { kernel: gaussian, estimator: "biased" }, compute)).toBeCloseTo(1 + k(2) - across, 12);
  });

  it("are zero between a domain and itself, but for the unbiased one", async () => {
    const rows = cloud(12, 3, {});
    const domains = { source: rows, target: rows };
    expect(await mmd(domains, { estimator: "biased" }, compute)).toBeCloseTo(0, 12);
    expect(await mmd(domains, {}, compute)).toBeLessThan(0);
    expect(await coralDistance(domains, compute)).toBe(0);
    expect(await slicedWasserstein(domains, {}, compute)).toBe(0);
  });

  it("Wasserstein's between sets of different sizes is that of their quantiles", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 2, maxLength: 5 }), async (values) => {
        const repeated = values.flatMap((value) => [value, value, value]);
        const domains = { source: line(...values), target: line(...repeated) };
        expect(await slicedWasserstein(domains, { directions: 2 }, compute)).toBeCloseTo(0, 10);
      }),
      { numRuns: 10 },
    );
  });

  it("a permutation test tells moved domains from equal ones, and the same seed gives the same value", async () => {
    const moved = { source: cloud(30, 2, {}), target: cloud(25, 2, { at: 1.5, seed: 1 }) };
    const same = { source: cloud(30, 2, {}), target: cloud(25, 2, { seed: 1 }) };
    const options = { permutations: 199, kernel: { kind: "multi" } } as const;
    const found = await mmdTest(moved, options, compute);
    expect(found.pValue).toBe(1 / 200);
    expect(found.mmd).toBeCloseTo(await mmd(moved, options, compute), 12);
    const equal = await mmdTest(same, options, compute);
    expect(equal.pValue).toBeGreaterThan(0.05);
    expect(await mmdTest(same, options, compute)).toEqual(equal);
    expect((await mmdTest(same, { ...options, seed: 1 }, compute)).pValue).not.toBe(equal.pValue);
  });

  it("the p-value of equal domains is uniform: mean near a half over 40 draws", async () => {
    let total = 0;
    for (let seed = 0; seed < 40; seed++) {
      const domains = { source: cloud(8, 1, { seed: 2 * seed }), target: cloud(8, 1, { seed: 2 * seed + 1 }) };
      total += (await mmdTest(domains, { permutations: 49 }, compute)).pValue;
    }
    // Standard error 1/√(12·40) = 0.046: four of them.
    expect(Math.abs(total / 40 - 0.5)).toBeLessThan(0.18);
  });

  it("the proxy A-distance is 2 where a line separates the domains and near 0 where nothing does", async () => {
    const apart = { source: cloud(40, 3, {}), target: cloud(300, 3, { at: 9, seed: 1 }) };
    expect(await proxyADistance(apart, {}, compute)).toBe(2);
    // By chance 340 images err on half of either domain; standard error of 2(1 − 2ε) near 4·½/√(4·40) = 0.16 by the smaller one.
    const same = { source: cloud(40, 3, {}), target: cloud(300, 3, { seed: 1 }) };
    expect(await proxyADistance(same, {}, compute)).toBeLessThan(0.5);
    const alike = { values: new Float64Array(12).fill(3), count: 4, width: 3 };
    expect(await proxyADistance({ source: alike, target: alike }, { folds: 2 }, compute)).toBe(0);
  });

  it("the proxy A-distance of overlapping normal domains is that of the best line", async () => {
    // Means 2 apart along one feature: ε = Φ(−1) = 0.1587, so 2(1 − 2ε) = 1.365; standard error 4·√(ε(1 − ε)/1000) = 0.05.
    const target = cloud(500, 4, { seed: 1 });
    const values = Float64Array.from(target.values, (value, i) => value + (i % 4 === 0 ? 2 : 0));
    const found = await proxyADistance({ source: cloud(500, 4, {}), target: { ...target, values } }, {}, compute);
    expect(Math.abs(found - 1.365)).toBeLessThan(0.15);
  });
});
