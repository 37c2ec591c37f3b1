import { describe, expect, it } from "vitest";
import { matrix } from "../algebra/matrix.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { createEngine } from "../node/engine.ts";
import { bda } from "./bda.ts";
import { coral } from "./coral.ts";
import { type Adaptation, applyMap } from "./domainMap.ts";
import type { LabelledDomains } from "./domains.ts";
import { geodesicFlow } from "./geodesicFlow.ts";
import { jda } from "./jda.ts";
import { optimalTransport } from "./optimalTransport.ts";
import { proxyADistance } from "./proxyADistance.ts";
import { semiSupervisedTca } from "./semiSupervisedTca.ts";
import { subspaceAlignment } from "./subspaceAlignment.ts";
import { tca } from "./tca.ts";

const compute = { engine: createEngine({ threads: 1 }) };
type Method = (domains: LabelledDomains, dimensions: number) => Promise<Adaptation>;

const bySize: Record<string, Method> = {
  tca: (domains, dimensions) => tca(domains, { dimensions }, compute),
  "tca, projection": (domains, dimensions) => tca(domains, { dimensions, penalty: "projection" }, compute),
  "tca, gaussian": (domains, dimensions) => tca(domains, { dimensions, kernel: { kind: "gaussian" } }, compute),
  semiSupervisedTca: (domains, dimensions) => semiSupervisedTca(domains, { dimensions }, compute),
  jda: (domains, dimensions) => jda(domains, { dimensions }, compute),
  bda: (domains, dimensions) => bda(domains, { dimensions }, compute),
  subspaceAlignment: (domains, dimensions) => subspaceAlignment(domains, { dimensions }, compute),
  geodesicFlow: (domains, dimensions) => geodesicFlow(domains, { dimensions }, compute),
};
const methods: Record<string, Method> = {
  ...bySize,
  coral: (domains) => coral(domains, {}, compute),
  optimalTransport: (domains) => optimalTransport(domains, { regularisation: 0.1 }, compute),
};

function cloud(count: number, width: number, seed = 0): Rows {
  const random = stream(seed, "cloud");
  return { values: Float64Array.from({ length: count * width }, () => random.normal()), count, width };
}
const scaled = (rows: Rows, factor: number): Rows => ({
  ...rows,
  values: Float64Array.from(rows.values, (value) => factor * value),
});
const labels = [0, 1, 0, 1, 0, 1, 0, 1];
const good: LabelledDomains = { source: cloud(8, 6), target: cloud(7, 6, 1), labels };
const without = (rows: Rows, column: number): Rows => ({
  ...rows,
  values: Float64Array.from(rows.values, (value, i) => (i % rows.width === column ? 4 : value)),
});

describe.each(Object.entries(methods))("%s", (_, method) => {
  it("refuses domains that hold no distribution, or numbers that are none, by name", async () => {
    const cases: readonly [Partial<LabelledDomains>, string][] = [
      [{ source: cloud(0, 6), labels: [] }, "the source domain has no images; expected two or more"],
      [{ target: cloud(1, 6) }, "the target domain has one image; expected two or more"],
      [{ target: cloud(7, 5) }, "the source domain has 6 features an image and the target domain 5"],
      [{ target: { ...cloud(7, 6), count: 8 } }, "the target domain has 42 numbers for 8 images of 6 features"],
      [
        { source: { ...good.source, values: Float64Array.from(good.source.values).fill(Number.NaN, 13, 14) } },
        "feature 1 of source image 2 is NaN",
      ],
      [
        { target: { ...good.target, values: Float64Array.from(good.target.values).fill(Infinity, 5, 6) } },
        "feature 5 of target image 0 is Infinity",
      ],
      [{ source: scaled(good.source, 1e200), target: scaled(good.target, 1e200) }, "are too large: their squares"],
    ];
    for (const [change, message] of cases) {
      await expect(method({ ...good, ...change }, 2)).rejects.toMatchObject({
        code: "data",
        message: expect.stringContaining(message),
      });
    }
  });

  it("takes features that never change as if they were not there", async () => {
    const domains = { ...good, source: without(good.source, 3), target: without(good.target, 3) };
    const { source, target } = await method(domains, 2);
    for (const [map, rows] of [[source, domains.source] as const, [target, domains.target] as const]) {
      const { values } = await applyMap(map, rows, compute);
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});

describe.each(Object.entries(bySize))("%s", (_, method) => {
  it("refuses more dimensions than there are, and images that are all alike", async () => {
    for (const dimensions of [0, 1.5, 20]) {
      await expect(method(good, dimensions)).rejects.toMatchObject({
        code: "usage",
        message: expect.stringContaining(`${dimensions} dimensions; expected a whole number from 1 to`),
      });
    }
    const alike = (count: number): Rows => ({ values: new Float64Array(count * 6).fill(2), count, width: 6 });
    await expect(method({ source: alike(8), target: alike(7), labels }, 1)).rejects.toMatchObject({ code: "data" });
  });
});

describe("what else is refused", () => {
  it("labels that are not one class index an image", async () => {
    for (const method of [methods.jda, methods.bda, methods.semiSupervisedTca]) {
      await expect(method?.({ ...good, labels: [0, 1] }, 2)).rejects.toThrow("8 source images but 2 labels");
      await expect(method?.({ ...good, labels: labels.map(() => 1) }, 2)).rejects.toThrow("of one class");
      await expect(method?.({ ...good, labels: labels.map((label) => label - 1) }, 2)).rejects.toThrow("label -1");
    }
  });

  it("settings out of range", async () => {
    await expect(tca(good, { regularisation: 0 }, compute)).rejects.toThrow("the regularisation is 0; expected");
    await expect(tca(good, { kernel: { kind: "gaussian", gamma: Number.NaN } }, compute)).rejects.toThrow(
      "gamma is NaN",
    );
    await expect(bda(good, { balance: 2 }, compute)).rejects.toThrow("balance 2; expected 0 to 1");
    await expect(proxyADistance(good, { folds: 9 }, compute)).rejects.toThrow("9 folds; expected 2 to 7");
  });

  it("more pairs than memory holds", async () => {
    const many = matrix(20_000, 1);
    await expect(optimalTransport({ source: many, target: many }, {}, compute)).rejects.toThrow("every pair in memory");
  });

  it("going on after a stop", async () => {
    const stopped = { ...compute, signal: AbortSignal.abort() };
    await expect(jda(good, { dimensions: 2 }, stopped)).rejects.toMatchObject({ code: "interrupted" });
    await expect(optimalTransport(good, {}, stopped)).rejects.toMatchObject({ code: "interrupted" });
  });
});
