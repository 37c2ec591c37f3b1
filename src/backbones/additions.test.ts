import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { dense } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import { createEngine } from "../node/engine.ts";
import { adam } from "../optim/optimizers.ts";
import { arrays } from "../train/data.ts";
import { Evaluator } from "../train/evaluator.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { compileStep } from "../train/step.ts";
import { type AdditionName, mergedLora } from "./additions.ts";
import { stagedClassifier, tokenClassifier } from "./classifier.fixture.ts";
import { loadOnnxBackbone } from "./onnxBackbone.ts";
import { backboneName, trainableBackbone } from "./trainableBackbone.ts";

const engine = createEngine();
const [side, count] = [16, 6];
const random = stream(2, "additions test");
const x = Uint8Array.from({ length: count * side * side * 3 }, () => random.below(256));

function made(bytes: Uint8Array, addition?: AdditionName) {
  const trainable = trainableBackbone(loadOnnxBackbone(bytes, "test.onnx", "unknown"), backboneName, addition);
  const network = sequentialNetwork(
    [trainable.layer, dense(3, { activation: "softmax", name: "head" })],
    [side, side, 3],
  );
  return { trainable, network, start: new Map([...initialTensors(network.parameters, 1), ...trainable.weights]) };
}

async function predicted(network: Network, weights: ReadonlyMap<string, Tensor>): Promise<Float32Array> {
  const evaluator = new Evaluator(network, engine);
  const data = arrays({ x, y: new Int32Array(count), inputShape: [side, side, 3] });
  try {
    return (await evaluator.predict(data, new TrainingState(weights), count)).floats;
  } finally {
    await evaluator.dispose();
  }
}

/** The weights after some steps in which only additions and the head learn. */
async function learned({ network, trainable, start }: ReturnType<typeof made>): Promise<ReadonlyMap<string, Tensor>> {
  const learning = network.parameters.trainable.filter(
    ({ path }) => trainable.added.has(path) || path.startsWith("head/"),
  );
  const optimizer = adam({ learningRate: 0.02 });
  const recipe = { network, loss: sparseCategoricalCrossentropy(), optimizer, trainable: learning };
  const step = await compileStep(recipe, count, "uint8", engine);
  const state = new TrainingState(start);
  const batch = {
    x: Tensor.of("uint8", [count, side, side, 3], x),
    y: Tensor.of("int32", [count], Int32Array.of(0, 1, 2, 0, 1, 2)),
    weights: Tensor.float32([count], new Array<number>(count).fill(1)),
    dropoutKeys: Tensor.of("uint32", [count], new Uint32Array(count)),
  };
  const losses: number[] = [];
  for (let i = 0; i < 10; i++) losses.push((await step.run(state, batch, optimizer.learningRate)).loss);
  await step.dispose();
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  return state.snapshot(network.parameters.list);
}

function largestGap(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
}

describe.each([
  ["adapters", stagedClassifier()],
  ["lora", tokenClassifier()],
] as const)("%s", (addition, bytes) => {
  it("begin at the pretrained function, and all of them learn", async () => {
    const [plain, extended] = [made(bytes), made(bytes, addition)];
    const head = new Map([...extended.start].filter(([path]) => path.startsWith("head/")));
    const before = await predicted(plain.network, new Map([...plain.start, ...head]));
    expect(largestGap(await predicted(extended.network, extended.start), before)).toBeLessThan(1e-6);
    const after = await learned(extended);
    expect(extended.trainable.added.size).toBe(addition === "lora" ? 4 : 12);
    for (const path of extended.trainable.added) {
      expect(extended.start.get(path)?.bytes, path).not.toEqual(after.get(path)?.bytes);
    }
    expect(largestGap(await predicted(extended.network, after), before)).toBeGreaterThan(0.01);
  });
});

describe("low-rank changes", () => {
  it("written into their matrices give the plain network with the same answers", async () => {
    const [plain, extended] = [made(tokenClassifier()), made(tokenClassifier(), "lora")];
    const weights = await learned(extended);
    const merged = mergedLora(weights);
    expect([...merged.keys()].sort()).toEqual(plain.network.parameters.list.map(({ path }) => path).sort());
    const answers = await predicted(extended.network, weights);
    // Sums of a few hundred float32 products in another order.
    expect(largestGap(await predicted(plain.network, merged), answers)).toBeLessThan(1e-5);
  });
});

it("says where nothing can be added", () => {
  expect(() => made(stagedClassifier(), "lora")).toThrow(/no linear layers wider than 8. Use --parameters adapters/);
  expect(() => made(tokenClassifier(), "adapters")).toThrow(
    /no feature maps that adapters could work on. Use --parameters lora/,
  );
});
