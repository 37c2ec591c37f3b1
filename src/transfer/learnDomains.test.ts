import { describe, expect, it } from "vitest";
import { trainedMethodNames } from "../adapt/trainedMethods.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { createEngine } from "../node/engine.ts";
import { argMax } from "../train/measures.ts";
import { mixedOrder } from "./domainData.ts";
import { featureSubject } from "./domainSubject.ts";
import type { DomainFeatures, DomainTrial } from "./domainTrial.ts";
import { learnDomains } from "./learnDomains.ts";
import { scaleDomains } from "./scaling.ts";

const compute = { engine: createEngine({ threads: 1 }) };
const settings = { epochs: 4, batchSize: 16, learningRate: 2e-3, seed: 0, nowMs: () => 0 };
const [width, classes] = [6, 3];

/** Three clusters; those of the target are moved. */
function rows(domain: "source" | "held" | "target", count: number): Rows & { readonly labels: Int32Array } {
  const random = stream(5, domain);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const values = Float32Array.from({ length: count * width }, (_, at) => {
    const column = at % width;
    const centre = 3 * Number(labels[Math.floor(at / width)] === column) + random.uniform(-1, 1);
    return domain === "target" && column === 0 ? centre + 2 : centre;
  });
  return { values, count, width, labels };
}

const [source, held, target] = [rows("source", 60), rows("held", 18), rows("target", 33)];
const features: DomainFeatures = {
  source,
  labels: source.labels,
  folds: source.labels.map((_, i) => i % 5),
  held,
  heldLabels: held.labels,
  target,
  classes,
  classWeights: undefined,
};

async function learned(method: (typeof trainedMethodNames)[number], signal?: AbortSignal): Promise<DomainTrial> {
  const domains = await scaleDomains(features, compute);
  const work = learnDomains(featureSubject(domains), method, settings, { ...compute, signal });
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
  }
}

describe.each(trainedMethodNames)("%s", (method) => {
  it("learns the source, ends at the same bytes again, and logs how far the domains are apart", async () => {
    const [first, second] = [await learned(method), await learned(method)];
    const right = held.labels.filter((label, i) => argMax(first.probabilities.held, i * classes, classes) === label);
    expect(right.length / held.count).toBeGreaterThan(0.9);
    for (const [path, { bytes }] of first.weights) expect(second.weights.get(path)?.bytes, path).toEqual(bytes);
    expect(first.history).toHaveLength(settings.epochs);
    for (const log of first.history) {
      expect(log["domain_accuracy"]).toBeGreaterThanOrEqual(0.5);
      expect(log["domain_accuracy"]).toBeLessThanOrEqual(1);
      expect(log["discrepancy"]).toBeGreaterThan(0);
    }
  });
});

describe("batches of two domains", () => {
  it("are half and half, and go through all of both, the smaller one again and again", () => {
    const order = mixedOrder(10, 3, 0, 0);
    expect(order).toHaveLength(20);
    expect([...order].every((row, at) => row < 10 === (at % 2 === 0))).toBe(true);
    const ofSource = order.filter((row) => row < 10);
    expect(new Set(ofSource).size).toBe(10);
    expect(new Set(order.filter((row) => row >= 10)).size).toBe(3);
    expect(mixedOrder(10, 3, 0, 0)).toEqual(order);
    expect(mixedOrder(10, 3, 0, 1)).not.toEqual(order);
  });

  it("stop when asked to", async () => {
    await expect(learned("dan", AbortSignal.abort())).rejects.toThrow(/stopped while domains were being learned/);
  });
});
