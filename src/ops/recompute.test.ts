import { describe, expect, it } from "vitest";
import { cifarResnet } from "../backbones/cifarResnet.ts";
import { dtypeBytes } from "../base/dtypes.ts";
import { stream } from "../base/random.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { emit } from "../graph/emit.ts";
import { leavesOf, nodesOf } from "../graph/traverse.ts";
import { input, type Value } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { createEngine } from "../node/engine.ts";
import { writeModel } from "../onnx/write.ts";
import { blockSizeOf } from "../train/blockSize.ts";
import { mul } from "./arithmetic.ts";
import { lowerTraining } from "./lowerTraining.ts";
import { recomputeActivations } from "./recompute.ts";
import { reduceMean } from "./reductions.ts";

const engine = createEngine();

/** Loss and gradients of a residual network of 20 layers on 4 images. */
function trainingGraph(statistics: "measured" | "frozen"): readonly Value[] {
  const parameters = new Parameters();
  const image = input("image", "float32", [4, 3, 32, 32]);
  const keys = input("keys", "uint32", [4]);
  const maps = cifarResnet(new Scope(startBuild(parameters, keys, statistics)), image, 20);
  const loss = reduceMean(mul(maps, maps), undefined, { keepdims: 0 });
  const trainable = parameters.trainable.map(({ value }) => value);
  return [loss, ...differentiate(loss, trainable)];
}

async function run(outputs: readonly Value[]): Promise<readonly Tensor[]> {
  const inputs = leavesOf(outputs).filter(({ source }) => source.kind === "input");
  const feeds = inputs.map((value): [string, Tensor] => {
    const name = value.source.kind === "input" ? value.source.name : "";
    const random = stream(0, name);
    const low = name.endsWith("running_var") ? 0.5 : -0.5;
    const values = Array.from({ length: sizeOf(value.staticShape) }, () => random.uniform(low, low + 1));
    return [name, Tensor.float32(value.staticShape, values)];
  });
  const names = outputs.map((_, i) => `out${i}`);
  const emitted = emit({
    name: "test",
    inputs,
    outputs: Object.fromEntries(names.map((name, i) => [name, outputs[i]])),
  });
  const program = await engine.compile(writeModel(emitted));
  const results = await program.run(Object.fromEntries(feeds));
  await program.dispose();
  return names.map((name) => results[name] ?? Tensor.float32([0], []));
}

/** Bytes of forward values that backward nodes read. */
function savedBytes(outputs: readonly Value[]): number {
  const forward = new Set(nodesOf(outputs.slice(0, 1)));
  const saved = new Set<Value>();
  for (const node of nodesOf(outputs)) {
    if (forward.has(node)) continue;
    for (const value of node.inputs)
      if (value?.source.kind === "node" && forward.has(value.source.node)) saved.add(value);
  }
  return [...saved].reduce((sum, { staticShape, dtype }) => sum + sizeOf(staticShape) * dtypeBytes[dtype], 0);
}

describe("recomputing activations", async () => {
  const block = await blockSizeOf(engine);

  it.each([
    ["batch statistics", "measured", block],
    ["frozen statistics", "frozen", block],
    ["batch statistics in the plain layout", "measured", undefined],
  ] as const)("keeps less than half and changes no bit, with %s", async (_, statistics, layout) => {
    const kept = lowerTraining(trainingGraph(statistics), layout);
    const recomputed = recomputeActivations(kept, kept[0]);
    expect(savedBytes(recomputed)).toBeLessThan(savedBytes(kept) / 2);
    const [expected, found] = [await run(kept), await run(recomputed)];
    found.forEach((tensor, i) => {
      expect(Buffer.compare(tensor.bytes, expected[i].bytes)).toBe(0);
    });
  });

  it("leaves a graph alone whose backward pass needs nothing again", () => {
    const x = input("x", "float32", [2, 2]);
    const loss = reduceMean(x, undefined, { keepdims: 0 });
    const outputs = [loss, ...differentiate(loss, [x])];
    expect(recomputeActivations(outputs, loss)).toEqual(outputs);
  });
});
