import { describe, expect, it } from "vitest";
import reference from "../../test/reference/multiTask.json" with { type: "json" };
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input } from "../graph/value.ts";
import { softmax } from "../ops/activations.ts";
import { concat } from "../ops/layout.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { reduceMean } from "../ops/reductions.ts";
import { buildLoss } from "./loss.ts";
import { categoricalCrossentropy, meanSquaredError, sparseCategoricalCrossentropy } from "./losses.ts";
import { multiTaskLoss, type TaskLoss, type TaskWeighting } from "./multiTaskLoss.ts";
import { Parameters, startBuild } from "./scope.ts";

const tasks: readonly TaskLoss[] = [
  { layer: "kind", loss: sparseCategoricalCrossentropy(), likelihood: "softmax" },
  { layer: "weight", loss: meanSquaredError(), likelihood: "normal" },
];
const fixed: TaskWeighting = { kind: "fixed", weights: reference.weights };
const learned: TaskWeighting = { kind: "uncertainty", layer: "uncertainty" };

/** The loss at two outputs of a network that consists of nothing but its outputs. */
function graphOf(weighting: TaskWeighting, of = tasks) {
  const logits = input("logits", "float32", reference.logits.shape);
  const values = input("values", "float32", reference.values.shape);
  const logVariance = input("logVariance", "float32", [1, 2]);
  const build = startBuild(new Parameters());
  build.layerOutputs
    .set("kind", softmax(logits, { axis: 1 }))
    .set("weight", values)
    .set("uncertainty", logVariance);
  const { fed, perSample } = buildLoss(multiTaskLoss(of, weighting), concat(logits, values, { axis: 1 }), build);
  return { logits, values, logVariance, fed, perSample };
}

/** Rows of truth and count for each task; whatever `missing` says stands where the count is 0. */
function targetRows(missing: number): Tensor {
  const rows = reference.labels.flatMap((label, i) => {
    const [first = 0, second = 0] = reference.counts.data.slice(2 * i);
    return [first === 0 ? missing : label, first, second === 0 ? missing : (reference.truth[i] ?? 0), second];
  });
  return Tensor.float32([reference.labels.length, 4], rows);
}

async function measured(weighting: TaskWeighting, missing = 0) {
  const { logits, values, logVariance, fed, perSample } = graphOf(weighting);
  const wanted = weighting.kind === "fixed" ? [logits, values] : [logits, values, logVariance];
  const gradients = differentiate(reduceMean(perSample, [0], { keepdims: 0 }), wanted);
  const named = Object.fromEntries(gradients.map((gradient, i) => [`gradient ${i}`, gradient]));
  const result = await evaluate(
    [logits, values, logVariance, fed],
    { perSample, ...named },
    {
      logits: Tensor.float32(reference.logits.shape, reference.logits.data),
      values: Tensor.float32(reference.values.shape, reference.values.data),
      logVariance: Tensor.float32([1, 2], reference.logVariance),
      target: targetRows(missing),
    },
  );
  // Plus 0, so that −0 is 0.
  const floats = (name: string) => Array.from(result[name]?.floats ?? [], (value) => value + 0);
  return { perSample: floats("perSample"), gradients: gradients.map((_, i) => floats(`gradient ${i}`)) };
}

describe("a loss over several tasks, some labels missing", () => {
  it.each([
    ["with fixed weights", fixed, reference.fixed],
    ["weighted by uncertainty", learned, reference.uncertainty],
  ] as const)("agrees with PyTorch %s", async (_, weighting, expected) => {
    const { perSample, gradients } = await measured(weighting);
    expectClose(perSample, expected.perSample);
    expect(gradients).toHaveLength(expected.gradients.length);
    for (const [i, gradient] of gradients.entries()) expectClose(gradient, expected.gradients[i] ?? []);
  });

  it("does not look at what stands where a label is missing", async () => {
    expect(await measured(learned, 3)).toEqual(await measured(learned, 0));
  });

  it("refuses weights that are not one a task, and losses of more than one number a sample", () => {
    expect(() => multiTaskLoss([], fixed)).toThrow(/no tasks/);
    expect(() => multiTaskLoss(tasks, { kind: "fixed", weights: [1] })).toThrow(/weights 1 for 2 tasks/);
    expect(() => multiTaskLoss(tasks, { kind: "fixed", weights: [1, -1] })).toThrow(/weights 1, -1 for 2 tasks/);
    const wide: TaskLoss = { layer: "kind", loss: categoricalCrossentropy(), likelihood: "softmax" };
    expect(() => graphOf({ kind: "fixed", weights: [1] }, [wide])).toThrow(
      /"kind" asks for targets \[7,4\]; expected one/,
    );
  });
});

// float32 against float64: a few roundings of numbers below 20.
function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i], `entry ${i}`).toBeCloseTo(value, 5);
  });
}
