import { describe, expect, it } from "vitest";
import { featureMethodNames, settingsOf } from "../adapt/featureMethods.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { createEngine } from "../node/engine.ts";
import { Evaluator } from "../train/evaluator.ts";
import { argMax } from "../train/measures.ts";
import { TrainingState } from "../train/state.ts";
import { alignFeatures } from "./alignFeatures.ts";
import { type DomainFeatures, dataOf } from "./domainTrial.ts";
import { judgeTrial } from "./judgeTrial.ts";
import { scaleDomains } from "./scaling.ts";

const compute = { engine: createEngine({ threads: 1 }) };
const [width, classes] = [8, 3];

/** Three clusters; those of the target are moved by more than lies between them, and stretched. */
function rows(domain: "source" | "held" | "target", perClass: number): Rows & { readonly labels: Int32Array } {
  const random = stream(3, domain);
  const count = perClass * classes;
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const values = Float32Array.from({ length: count * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const centre = 4 * Number(labels[row] === column) + random.uniform(-1, 1);
    return domain === "target" ? 1.2 * centre + (column === 0 ? 8 : -1) : centre;
  });
  return { values, count, width, labels };
}

const [source, held, target] = [rows("source", 20), rows("held", 8), rows("target", 15)];
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
const domains = scaleDomains(features, compute);

function rightShare(probabilities: Float32Array): number {
  let right = 0;
  for (const [row, label] of target.labels.entries())
    right += Number(argMax(probabilities, row * classes, classes) === label);
  return right / target.count;
}

describe.each(featureMethodNames)("%s", (method) => {
  it("becomes one graph, whose answers on the backbone's features are those that were judged", async () => {
    for (const setting of settingsOf(method, (await domains).features)) {
      const trial = await alignFeatures(await domains, { method, setting }, { penalty: 0.01 }, compute);
      const evaluator = new Evaluator(trial.network, compute.engine);
      const served = await evaluator.predict(dataOf(target, target.labels), new TrainingState(trial.weights), 64);
      await evaluator.dispose();
      // float32 through a map and back: parts in a hundred thousand of a probability.
      for (const [i, p] of served.floats.entries()) expect(p).toBeCloseTo(trial.probabilities.target[i] ?? 0, 4);
    }
  });
});

describe("a moved domain", () => {
  it("is lost on source-only, and won back by methods that move it, which InfoMax sees without labels", async () => {
    const [judged, right]: [Record<string, number>, Record<string, number>] = [{}, {}];
    for (const method of ["source-only", "coral", "tca"] as const) {
      const [setting] = settingsOf(method, (await domains).features);
      if (setting === undefined) throw new Error("every method has a setting");
      const trial = await alignFeatures(await domains, { method, setting }, { penalty: 0.01 }, compute);
      const { scores, answers } = await judgeTrial(trial, (await domains).features, compute);
      judged[method] = scores.infoMax;
      right[method] = rightShare(trial.probabilities.target);
      // One temperature changes how sure it is, never what it names.
      expect(rightShare(answers)).toBe(right[method]);
    }
    expect(right["source-only"]).toBeLessThan(0.5);
    for (const method of ["coral", "tca"]) {
      expect(right[method]).toBeGreaterThan(0.9);
      expect(judged[method]).toBeGreaterThan(judged["source-only"] ?? Number.POSITIVE_INFINITY);
    }
  });
});
