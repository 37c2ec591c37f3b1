import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Tensor } from "../base/tensor.ts";
import { input } from "../graph/value.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { applyOptimizer } from "./applyOptimizer.ts";
import { adam, adamw, rmsprop, sgd } from "./optimizers.ts";
import type { Optimizer } from "./rule.ts";

const tensor = z.object({ shape: z.array(z.number()), data: z.array(z.number()) });
const rows = z.record(z.string(), z.array(z.array(z.number())));
const fixture = z.object({
  steps: z.array(z.number()),
  start: z.record(z.string(), tensor),
  gradients: rows,
  cases: z.array(
    z.object({ name: z.string(), after: z.record(z.string(), z.record(z.string(), z.array(z.number()))) }),
  ),
});
const text = readFileSync("test/reference/optimizers.json", "utf8");
const { start, gradients, cases } = fixture.parse(JSON.parse(text));

const learningRate = 0.05;
const equivalents: Readonly<Record<string, Optimizer>> = {
  SGD: sgd({ learningRate }),
  "SGD with momentum": sgd({ learningRate, momentum: 0.9 }),
  "SGD with Nesterov momentum": sgd({ learningRate, momentum: 0.9, nesterov: true }),
  "SGD with momentum and weight decay": sgd({ learningRate, momentum: 0.9, weightDecay: 0.01 }),
  RMSprop: rmsprop({ learningRate }),
  "RMSprop with momentum": rmsprop({ learningRate, momentum: 0.9 }),
  "RMSprop, centred": rmsprop({ learningRate, centered: true }),
  Adam: adam({ learningRate, epsilon: 1e-8 }),
  "Adam, epsilon 1e-7": adam({ learningRate, epsilon: 1e-7 }),
  AdamW: adamw({ learningRate, epsilon: 1e-8, weightDecay: 0.01 }),
  "Adam, clipped": adam({ learningRate, epsilon: 1e-8, clipNorm: 0.5 }),
};

describe("after 20 steps the parameters equal PyTorch's", () => {
  it.each(cases.map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const optimizer = equivalents[name];
    if (optimizer === undefined) throw new Error(`no equivalent of ${name}`);
    const wanted = one.after["20"] ?? {};
    const final = await run(optimizer, Object.keys(wanted), 20);
    for (const [path, expected] of Object.entries(wanted)) {
      expected.forEach((value, i) => {
        expect(Math.abs(value - (final[path]?.[i] ?? Number.NaN))).toBeLessThan(1e-5);
      });
    }
  });
});

it("rejects an unknown option and names the nearest", () => {
  const options = { learningrate: 0.1 };
  expect(() => sgd(options as object)).toThrow(/unknown option "learningrate".*"learningRate"/);
});

async function run(optimizer: Optimizer, paths: readonly string[], steps: number): Promise<Record<string, number[]>> {
  const shapes = Object.fromEntries(paths.map((path) => [path, start[path]?.shape ?? []]));
  const updates = paths.map((path) => ({
    path,
    value: input(path, "float32", shapes[path] ?? []),
    gradient: input(`gradient ${path}`, "float32", shapes[path] ?? []),
  }));
  const graph = applyOptimizer(
    optimizer,
    updates,
    updates.map(({ gradient }) => gradient),
  );
  const state: Record<string, Tensor> = {};
  for (const path of paths) state[path] = Tensor.float32(shapes[path] ?? [], start[path]?.data ?? []);
  for (const { path, shape } of graph.slots)
    state[path] = Tensor.float32(shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(0));
  const inputs = [
    ...updates.flatMap(({ value, gradient }) => [value, gradient]),
    graph.learningRate,
    ...graph.scalars.map(({ value }) => value),
    ...graph.slots.map(({ old }) => old),
  ];
  const outputs = Object.fromEntries([
    ...[...graph.parameters].map(([path, value]) => [`next ${path}`, value] as const),
    ...graph.slots.map(({ path, next }) => [`next ${path}`, next] as const),
  ]);
  for (let step = 1; step <= steps; step++) {
    const feeds: Record<string, Tensor> = { ...state, learningRate: Tensor.float32([], [optimizer.learningRate]) };
    for (const path of paths)
      feeds[`gradient ${path}`] = Tensor.float32(shapes[path] ?? [], gradients[path]?.[step - 1] ?? []);
    for (const { value, at } of graph.scalars) {
      if (value.source.kind === "input") feeds[value.source.name] = Tensor.float32([], [at(step)]);
    }
    const used = Object.fromEntries(
      inputs.flatMap(({ source }) => (source.kind === "input" ? [[source.name, feeds[source.name]!]] : [])),
    );
    const result = await evaluate(inputs, outputs, used);
    for (const path of Object.keys(state)) state[path] = result[`next ${path}`] ?? state[path]!;
  }
  return Object.fromEntries(paths.map((path) => [path, Array.from(state[path]?.floats ?? [])]));
}
