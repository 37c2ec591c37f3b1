import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { input, type Value } from "../graph/value.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { applyOptimizer } from "./applyOptimizer.ts";
import { adam, adamw, sgd } from "./optimizers.ts";
import type { Optimizer } from "./rule.ts";

/** One step on parameters [1] of value 2 with gradient 0.5. */
async function step(optimizer: Optimizer, paths: readonly string[]): Promise<Record<string, number>> {
  const updates = paths.map((path) => ({
    path,
    value: input(path, "float32", [1]),
    gradient: input(`${path}'`, "float32", [1]),
  }));
  const graph = applyOptimizer(
    optimizer,
    updates,
    updates.map(({ gradient }) => gradient),
  );
  const slots = graph.slots.map(({ path, old, next }) => ({ path, old, next }));
  const inputs = [
    graph.learningRate,
    ...updates.flatMap(({ value, gradient }) => [value, gradient]),
    ...slots.map(({ old }) => old),
  ];
  const feeds: Record<string, Tensor> = { learningRate: Tensor.float32([], [optimizer.learningRate]) };
  for (const { path } of updates) {
    feeds[path] = Tensor.float32([1], [2]);
    feeds[`${path}'`] = Tensor.float32([1], [0.5]);
  }
  for (const { path } of slots) feeds[path] = Tensor.float32([1], [0]);
  const outputs = new Map([...graph.parameters, ...slots.map(({ path, next }) => [path, next] as const)]);
  const named = [...outputs].map(([path, value]): [string, Value] => [`next ${path}`, value]);
  const results = await evaluate(inputs, Object.fromEntries(named), feeds);
  return Object.fromEntries([...outputs.keys()].map((path) => [path, results[`next ${path}`].floats[0]]));
}

it("gives each group its own rate and decay, and the rest the optimiser's", async () => {
  const groups = [
    { paths: /^backbone\/.*bias$/, learningRate: 0.01, weightDecay: 0 },
    { paths: /^backbone\//, learningRate: 0.01 },
  ];
  const after = await step(sgd({ learningRate: 0.1, weightDecay: 0.25, groups }), [
    "head/kernel",
    "backbone/kernel",
    "backbone/bias",
  ]);
  expect(after["head/kernel"]).toBeCloseTo(2 - 0.1 * (0.5 + 0.25 * 2), 6);
  expect(after["backbone/kernel"]).toBeCloseTo(2 - 0.01 * (0.5 + 0.25 * 2), 6);
  expect(after["backbone/bias"]).toBeCloseTo(2 - 0.01 * 0.5, 6);
});

it("keeps the moving average of the new weights", async () => {
  const after = await step(sgd({ learningRate: 0.1, averageDecay: 0.9 }), ["w"]);
  // After one step the average, s / (1 − β), is the weight itself.
  expect((after["w/average"] ?? 0) / (1 - 0.9)).toBeCloseTo(after["w"] ?? 0, 5);
});

it("refuses a decay where the optimiser has none", () => {
  expect(() => adam({ groups: [{ paths: /w/, weightDecay: 0.1 }] })).toThrow(/adam has no weight decay.*adamw/);
  expect(adamw({ groups: [{ paths: /w/, weightDecay: 0.1 }] }).groups).toHaveLength(1);
});
