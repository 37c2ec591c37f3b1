import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Tensor } from "../../base/tensor.ts";
import { compileGraph } from "../../graph/compile.ts";
import { differentiate } from "../../graph/differentiate.ts";
import { constantOf, input } from "../../graph/value.ts";
import { createEngine } from "../../node/engine.ts";
import { softmax } from "../../ops/activations.ts";
import { add, mul, sub } from "../../ops/arithmetic.ts";
import { reduceSum } from "../../ops/reductions.ts";
import type { DomainTerm } from "./domainBatch.ts";
import { informationMaximisation } from "./informationMaximisation.ts";
import { jointMmd } from "./jointMmd.ts";
import { marginDisparity } from "./marginDisparity.ts";
import { openSetBoundary } from "./openSetBoundary.ts";
import { pseudoLabelStrength, pseudoLabels } from "./pseudoLabels.ts";
import { sourceHypothesisLoss } from "./sourceHypothesis.ts";

const engine = createEngine({ threads: 1 });
const rows = z.object({ shape: z.array(z.number()), data: z.array(z.number()) });
const reference = z
  .object({
    isTarget: z.array(z.number()),
    inputs: z.object({ features: rows, scores: rows, margin: rows }),
    cases: z.array(z.object({ name: z.string(), value: z.number(), gradients: z.record(z.string(), rows) })),
  })
  .parse(JSON.parse(readFileSync("test/reference/domainTerms.json", "utf8")));
const { isTarget, inputs } = reference;

const terms: Readonly<Record<string, DomainTerm>> = {
  jan: jointMmd("features"),
  mdd: marginDisparity("margin"),
  "pseudo-labels": pseudoLabels(),
  "information-maximisation": informationMaximisation(),
  osbp: (batch) =>
    openSetBoundary({ reversed: "answers", detached: "answers" })(batch, constantOf("float32", [], [0.3])),
};

/** The term of the reference's batch, and its gradient for each of the named inputs. */
async function evaluate(term: DomainTerm, names: readonly (keyof typeof inputs)[]) {
  const fed = {
    features: input("features", "float32", inputs.features.shape),
    scores: input("scores", "float32", inputs.scores.shape),
    margin: input("margin", "float32", inputs.margin.shape),
  };
  const column = constantOf("float32", [isTarget.length, 1], isTarget);
  const ofTarget = isTarget.filter((one) => one === 1).length;
  const prediction = softmax(fed.scores, { axis: 1 });
  const value = term({
    isTarget: column,
    sourceShares: mul(sub(1, column), 1 / (isTarget.length - ofTarget)),
    targetShares: mul(column, 1 / ofTarget),
    prediction,
    layerOutput: (name) => ({ margin: fed.margin, answers: prediction })[name] ?? fed.features,
  });
  // A term need not depend on all of them.
  const total = Object.values(fed).reduce((sum, one) => add(sum, mul(reduceSum(one, { keepdims: 0 }), 0)), value);
  const gradients = differentiate(
    total,
    names.map((name) => fed[name]),
  );
  const outputs = Object.fromEntries(gradients.map((gradient, i) => [`gradient_${names[i]}`, gradient]));
  const program = await compileGraph(
    { name: "term", inputs: Object.values(fed), outputs: { value: total, ...outputs } },
    engine,
  );
  const result = await program.run(
    Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => [
        name,
        Tensor.of("float32", shape, Float32Array.from(data)),
      ]),
    ),
  );
  await program.dispose();
  return (name: string) => result[name]?.floats ?? new Float32Array(0);
}

describe("terms of domain adaptation", () => {
  it.each(reference.cases)("$name: value and gradients are PyTorch's", async ({ name, value, gradients }) => {
    const term = terms[name];
    if (term === undefined) throw new Error(`the reference has a case "${name}" without a term`);
    const names = (["features", "scores", "margin"] as const).filter((one) => one in gradients);
    const found = await evaluate(term, names);
    // float32: 6e-8 of each of a few dozen summands, and of differences of squares near 1.
    expect(found("value")[0]).toBeCloseTo(value, 5);
    for (const one of names) {
      const expected = gradients[one]?.data ?? [];
      expect(expected.some((slope) => Math.abs(slope) > 1e-3)).toBe(true);
      for (const [at, slope] of found(`gradient_${one}`).entries())
        expect(slope).toBeCloseTo(expected[at] ?? Number.NaN, 5);
    }
  });

  it("SHOT's loss is information maximisation and 0.3 times the cross-entropy with its labels", async () => {
    const scores = input("scores", "float32", [2, 2]);
    const target = input("target", "int32", [2]);
    const prediction = softmax(scores, { axis: 1 });
    const perSample = sourceHypothesisLoss().perSample(target, prediction, () => prediction);
    const program = await compileGraph({ name: "loss", inputs: [scores, target], outputs: { perSample } }, engine);
    const result = await program.run({
      scores: Tensor.of("float32", [2, 2], Float32Array.of(0, 0, 0, Math.log(3))),
      target: Tensor.of("int32", [2], Int32Array.of(0, 1)),
    });
    await program.dispose();
    const entropy = (...p: number[]) => -p.reduce((sum, one) => sum + one * Math.log(one), 0);
    // Answers ½, ½ and ¼, ¾; their mean is ⅜, ⅝.
    const held = (entropy(0.5, 0.5) + entropy(0.25, 0.75)) / 2 - entropy(0.375, 0.625);
    const [first, second] = result["perSample"]?.floats ?? [];
    expect(first).toBeCloseTo(held - 0.3 * Math.log(0.5), 5);
    expect(second).toBeCloseTo(held - 0.3 * Math.log(0.75), 5);
  });

  it("pseudo-labels begin to count after a while, and count fully before the end", () => {
    expect([0, 0.1, 0.15, 0.5, 0.85, 1].map(pseudoLabelStrength).map((one) => Number(one.toFixed(9)))).toEqual([
      0, 0, 0, 1.5, 3, 3,
    ]);
  });
});
