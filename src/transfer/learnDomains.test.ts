import { describe, expect, it } from "vitest";
import { trainedMethodNames } from "../adapt/trainedMethods.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { createEngine } from "../node/engine.ts";
import { argMax } from "../train/measures.ts";
import { featureData, mixedOrder } from "./domainData.ts";
import { featureSubject, openSubject } from "./domainSubject.ts";
import type { DomainFeatures, DomainTrial } from "./domainTrial.ts";
import { learnDomains } from "./learnDomains.ts";
import { scaleDomains } from "./scaling.ts";
import type { StrategyEvent } from "./strategy.ts";

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

describe("osbp", () => {
  /** A fourth cluster, which no source image is of, beside the three. */
  const strangers = Array.from(
    { length: 20 * width },
    (_, at) => 4 * Number(at % width === 4) + (target.values[at] ?? 0) / 3,
  );
  const values = Float32Array.of(...Array.from(target.values), ...strangers);
  const mixed = { values, count: target.count + 20, width };
  const learnedOpen = async () => {
    const subject = openSubject(featureSubject(await scaleDomains({ ...features, target: mixed }, compute)));
    const work = learnDomains(subject, "osbp", { ...settings, epochs: 20, learningRate: 1e-3 }, compute);
    for (;;) {
      const next = await work.next();
      if (next.done) return next.value;
    }
  };

  it("answers with one class more, the images of none of the others, and ends at the same bytes again", async () => {
    const [first, second] = [await learnedOpen(), await learnedOpen()];
    expect(first.classes).toBe(classes + 1);
    for (const [path, { bytes }] of first.weights) expect(second.weights.get(path)?.bytes, path).toEqual(bytes);
    const answers = Array.from({ length: mixed.count }, (_, i) =>
      argMax(first.probabilities.target, i * (classes + 1), classes + 1),
    );
    expect(answers.slice(target.count).filter((answer) => answer === classes).length).toBeGreaterThan(16);
    const right = answers.slice(0, target.count).filter((answer, i) => answer === target.labels[i]);
    expect(right.length / target.count).toBeGreaterThan(0.8);
  });
});

describe("a domain classifier that collapses", () => {
  const finished = async (work: AsyncGenerator<StrategyEvent, DomainTrial>) => {
    const notes: string[] = [];
    for (;;) {
      const next = await work.next();
      if (next.done) return { notes, trial: next.value };
      if (next.value.type === "note") notes.push(next.value.text);
    }
  };
  /** The target lies so far off in one feature that telling the domains apart takes no learning. */
  const farAway = (distance: number) => {
    const values = Float32Array.from(target.values, (value, at) =>
      at % width === width - 1 ? value + distance : value,
    );
    return { ...features, target: { ...target, values } };
  };
  const eight = { ...settings, epochs: 8, learningRate: 2e-2 };

  it("is told, and training begins again once, with a lower weight", async () => {
    const subject = featureSubject(await scaleDomains(farAway(20), compute));
    const { notes, trial } = await finished(learnDomains(subject, "dann", eight, compute));
    expect(notes[0]).toMatch(
      /dann: the domain classifier is sure of every image.*; it begins again with 0.1 of the weight/,
    );
    expect(notes).toHaveLength(2);
    expect(notes[1]).toContain("expect little more than source-only");
    expect(trial.history).toHaveLength(eight.epochs);
    expect(trial.history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  it("is not seen where the domains differ little, nor in a method that has none", async () => {
    const subject = featureSubject(await scaleDomains(features, compute));
    expect((await finished(learnDomains(subject, "dann", settings, compute))).notes).toEqual([]);
    const far = featureSubject(await scaleDomains(farAway(20), compute));
    expect((await finished(learnDomains(far, "dan", eight, compute))).notes).toEqual([]);
  });

  it("is refused where the loss is no number again", async () => {
    const data = featureData({
      ...features,
      source: { ...source, values: Float32Array.from(source.values, (value) => 3e38 * value) },
    });
    const subject = { ...featureSubject(await scaleDomains(features, compute)), data };
    await expect(finished(learnDomains(subject, "dann", settings, compute))).rejects.toThrow(
      /the loss is not a number at epoch 1.*with the lower weight too/s,
    );
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
