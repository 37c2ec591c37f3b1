import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { dense } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { createEngine } from "../node/engine.ts";
import { adam } from "../optim/optimizers.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { compileStep } from "../train/step.ts";
import { tinyClassifier } from "./classifier.fixture.ts";
import { loadOnnxBackbone } from "./onnxBackbone.ts";
import { trainableBackbone } from "./trainableBackbone.ts";

const shared = "../shared/data/backbones";
const engine = createEngine();

/** Losses of some steps on one batch of stripes and checks, all layers trained. */
async function fineTune(bytes: Uint8Array, size: number, steps: number) {
  const backbone = loadOnnxBackbone(bytes, "test.onnx", "unknown", size);
  const { layer, weights } = trainableBackbone(backbone);
  const network = sequentialNetwork([layer, dense(2, { activation: "softmax" })], [size, size, 3]);
  const start = new Map([...initialTensors(network.parameters, 0), ...weights]);
  const state = new TrainingState(start);
  const optimizer = adam({ learningRate: 1e-4 });
  const loss = sparseCategoricalCrossentropy();
  const recipe = { network, loss, optimizer, trainable: network.parameters.trainable };
  const step = await compileStep(recipe, 8, "uint8", engine);
  const random = stream(4, "fine-tune test");
  const pixels = Uint8Array.from({ length: 8 * size * size * 3 }, (_, at) => {
    const [row, image] = [Math.floor(at / (size * 3)) % size, Math.floor(at / (size * size * 3))];
    return ((image % 2 === 0 ? row : Math.floor(at / 3)) % 8 < 4 ? 60 : 180) + random.below(60);
  });
  const batch = {
    x: Tensor.of("uint8", [8, size, size, 3], pixels),
    y: Tensor.of(
      "int32",
      [8],
      Int32Array.from({ length: 8 }, (_, i) => i % 2),
    ),
    weights: Tensor.float32([8], new Array<number>(8).fill(1)),
    dropoutKeys: Tensor.of("uint32", [8], new Uint32Array(8)),
  };
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await step.run(state, batch, optimizer.learningRate)).loss);
  await step.dispose();
  const moved = [...start].filter(([path, tensor]) => !Buffer.from(tensor.bytes).equals(state.get(path).bytes));
  return { losses, network, moved: moved.map(([path]) => path) };
}

describe("a backbone whose weights are trained", () => {
  it("names them as the file does, and moves every one", async () => {
    const { network, moved } = await fineTune(tinyClassifier(), 16, 3);
    const paths = network.parameters.list.map(({ path }) => path);
    expect(paths.filter((path) => path.startsWith("backbone/"))).toHaveLength(2);
    expect(moved).toEqual(expect.arrayContaining(paths));
  });

  it.for(["mobilenetv2-tf-224.onnx", "squeezenet1.1-fp16.onnx"])(
    "fine-tunes all layers of %s",
    async (file, { skip }) => {
      const path = `${shared}/${file}`;
      skip(!existsSync(path), "the shared data are not beside this checkout");
      const { losses, moved, network } = await fineTune(readFileSync(path), 224, 5);
      expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] ?? 0));
      expect(network.parameters.trainable.length).toBeGreaterThan(50);
      expect(moved.length).toBeGreaterThan(0.9 * network.parameters.trainable.length);
    },
  );
});
