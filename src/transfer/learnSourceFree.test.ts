import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { createEngine } from "../node/engine.ts";
import { argMax } from "../train/measures.ts";
import { featureSubject } from "./domainSubject.ts";
import { applyLayers, dataOf } from "./domainTrial.ts";
import { learnHypothesis, learnSourceFree } from "./learnSourceFree.ts";
import { scaleDomains } from "./scaling.ts";
import { hypothesisIn } from "./sourceHypothesis.ts";

const compute = { engine: createEngine({ threads: 1 }) };
const settings = { epochs: 6, batchSize: 16, learningRate: 2e-3, seed: 0, nowMs: () => 0 };
const [width, classes] = [6, 3];

/** Three clusters; those of the target are moved along the first feature, towards the first class. */
function rows(domain: "source" | "held" | "target", count: number) {
  const random = stream(5, domain);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const values = Float32Array.from({ length: count * width }, (_, at) => {
    const column = at % width;
    const centre = 3 * Number(labels[Math.floor(at / width)] === column) + random.uniform(-1, 1);
    return domain === "target" && column === 0 ? centre + 2.8 : centre;
  });
  return { values, count, width, labels };
}

const [source, held, target] = [rows("source", 60), rows("held", 18), rows("target", 48)];
const data = dataOf(target, target.labels);
const rightOf = (probabilities: Float32Array, labels: Int32Array) =>
  labels.filter((label, i) => argMax(probabilities, i * classes, classes) === label).length / labels.length;

async function finished<T>(work: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
  }
}

/** A classifier by sums: class c where feature c is large. */
const run = () =>
  new Map([
    [
      "head/kernel",
      Tensor.of(
        "float32",
        [width, classes],
        Float32Array.from(
          { length: width * classes },
          (_, at) => 2 * Number(Math.floor(at / classes) === at % classes),
        ),
      ),
    ],
    ["head/bias", Tensor.of("float32", [classes], new Float32Array(classes))],
  ]);

describe("SHOT", () => {
  it("from source images learns the source, keeps its classifier, and ends at the same bytes again", async () => {
    const features = {
      source,
      labels: source.labels,
      folds: source.labels.map((_, i) => i % 5),
      held,
      heldLabels: held.labels,
      target,
      classes,
      classWeights: undefined,
    };
    const domains = await scaleDomains(features, compute);
    const [first, second] = [
      await finished(learnHypothesis(featureSubject(domains), settings, compute)),
      await finished(learnHypothesis(featureSubject(domains), settings, compute)),
    ];
    for (const [path, { bytes }] of first.weights) expect(second.weights.get(path)?.bytes, path).toEqual(bytes);
    expect(first.history).toHaveLength(settings.epochs);
    expect(rightOf(first.probabilities.target, target.labels)).toBeGreaterThan(0.9);
  });

  it("from a linear head moves features alone, and is right where the head as it was is not", async () => {
    const weights = run();
    const hypothesis = hypothesisIn(weights, width, classes);
    if (hypothesis === undefined) throw new Error("a linear head is a hypothesis");
    const { extractor, head } = hypothesis;
    const before = await applyLayers([...extractor, head], hypothesis.weights, target, compute.engine);
    const longer = { ...settings, epochs: 40, learningRate: 2e-2 };
    const learned = await finished(learnSourceFree(hypothesis, data, classes, longer, compute));
    expect(rightOf(before, target.labels)).toBeLessThan(0.8);
    expect(rightOf(learned.probabilities, target.labels)).toBeGreaterThan(0.9);
    expect(learned.weights.get("head/kernel")?.bytes).toEqual(weights.get("head/kernel")?.bytes);
    expect(learned.history.at(-1)?.["labels_changed"]).toBe(0);
  });

  it("a linear head begins as it was", async () => {
    const hypothesis = hypothesisIn(run(), width, classes);
    if (hypothesis === undefined) throw new Error("a linear head is a hypothesis");
    const begun = await applyLayers(hypothesis.extractor, hypothesis.weights, target, compute.engine);
    expect(begun).toEqual(target.values);
  });

  it("knows no hypothesis in other networks", () => {
    const [kernel, bias] = [...run().values()];
    if (kernel === undefined || bias === undefined) throw new Error("both are there");
    expect(hypothesisIn(run(), width + 1, classes)).toBeUndefined();
    expect(hypothesisIn(run(), width, classes + 1)).toBeUndefined();
    expect(hypothesisIn(new Map([["dense/kernel", kernel]]), width, classes)).toBeUndefined();
    expect(hypothesisIn(new Map([...run(), ["map/kernel", kernel]]), width, classes)).toBeUndefined();
  });

  it("stops when asked to", async () => {
    const hypothesis = hypothesisIn(run(), width, classes);
    if (hypothesis === undefined) throw new Error("a linear head is a hypothesis");
    const work = learnSourceFree(hypothesis, data, classes, settings, { ...compute, signal: AbortSignal.abort() });
    await expect(finished(work)).rejects.toThrow(/stopped while domains were being learned/);
  });
});
