import type { Tensor as OrtTensor } from "onnxruntime-common";
import { afterAll, beforeAll, expect, it } from "vitest";
import { batchNorm, convolution } from "../src/backbones/blocks.ts";
import { stream } from "../src/base/random.ts";
import { Tensor } from "../src/base/tensor.ts";
import { dense, dropout } from "../src/nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../src/nn/losses.ts";
import { moduleLayer } from "../src/nn/moduleLayer.ts";
import { sequentialNetwork } from "../src/nn/network.ts";
import { globalAveragePooling2d } from "../src/nn/poolingLayers.ts";
import { createEngine } from "../src/node/engine.ts";
import { relu } from "../src/ops/activations.ts";
import { maxPool } from "../src/ops/pooling.ts";
import { adam } from "../src/optim/optimizers.ts";
import type { Engine, Feeds } from "../src/platform/platform.ts";
import { initialTensors, TrainingState } from "../src/train/state.ts";
import { compileStep } from "../src/train/step.ts";
import { openPage } from "./chromium.fixture.ts";

let browser: Awaited<ReturnType<typeof openPage>>;
beforeAll(async () => {
  browser = await openPage();
});
afterAll(() => browser?.close());

const steps = 10;

/** Ten steps in Node; what the step's graph is and what it was fed. */
async function trainInNode() {
  const native = createEngine();
  let model = new Uint8Array(0);
  const fed: Feeds[] = [];
  // Says that it is no CPU, so that the graph is the one for every device.
  const engine: Engine = {
    device: () => Promise.resolve("webgpu"),
    async compile(bytes, options) {
      model = Uint8Array.from(bytes);
      const program = await native.compile(bytes, options);
      return {
        inputNames: program.inputNames,
        outputNames: program.outputNames,
        run(feeds, into) {
          fed.push(Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, copyOf(tensor)])));
          return program.run(feeds, into);
        },
        dispose: () => program.dispose(),
      };
    },
  };
  const network = sequentialNetwork(
    [
      moduleLayer("body", (scope, x) => {
        const stem = relu(batchNorm(scope.at("bn1"), convolution(scope.at("conv1"), x, { filters: 16, kernel: 3 })));
        const pooled = maxPool(stem, { kernel_shape: [2, 2], strides: [2, 2] });
        return relu(convolution(scope.at("conv2"), pooled, { filters: 16, kernel: 3, groups: 16, stride: 2 }));
      }),
      globalAveragePooling2d(),
      dropout(0.2),
      dense(4, { activation: "softmax" }),
    ],
    [32, 32, 3],
  );
  const optimizer = adam({ learningRate: 0.01 });
  const loss = sparseCategoricalCrossentropy({ labelSmoothing: 0.1 });
  const recipe = { network, loss, optimizer, trainable: network.parameters.trainable };
  const step = await compileStep(recipe, 8, "uint8", engine);
  const state = new TrainingState(initialTensors(network.parameters, 0));
  const random = stream(0, "browser test");
  const pixels = Uint8Array.from({ length: 8 * 32 * 32 * 3 }, () => random.below(256));
  const batch = {
    x: Tensor.of("uint8", [8, 32, 32, 3], pixels),
    y: Tensor.of(
      "int32",
      [8],
      Int32Array.from({ length: 8 }, (_, i) => i % 4),
    ),
    weights: Tensor.float32([8], new Array<number>(8).fill(1)),
    dropoutKeys: Tensor.of(
      "uint32",
      [8],
      Uint32Array.from({ length: 8 }, (_, i) => i * 77),
    ),
  };
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await step.run(state, batch, optimizer.learningRate)).loss);
  await step.dispose();
  return { losses, model, fed };
}

it("takes the same ten steps in a browser as in Node, to 1e-4", async () => {
  const { losses, model, fed } = await trainInNode();
  const inBrowser = await browser.page.evaluate(
    async ({ bytes, runs }) => {
      const { ort } = globalThis as typeof globalThis & { readonly ort: typeof import("onnxruntime-common") };
      ort.env.wasm.numThreads = 2;
      const decode = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const arrays = { float32: Float32Array, int32: Int32Array, uint32: Uint32Array, uint8: Uint8Array };
      const session = await ort.InferenceSession.create(decode(bytes));
      let state: Record<string, OrtTensor> = {};
      const found: number[] = [];
      for (const feeds of runs) {
        const tensors: Record<string, OrtTensor> = {};
        for (const [name, { dtype, shape, data }] of Object.entries(feeds)) {
          tensors[name] = new ort.Tensor(dtype, new arrays[dtype](decode(data).buffer), shape);
        }
        // From the second step on, what the step itself computed.
        const results = await session.run({ ...tensors, ...state });
        found.push(Number(results.loss.data[0]));
        state = {};
        for (const [name, tensor] of Object.entries(results)) {
          if (name.startsWith("next:")) state[name.slice("next:".length)] = tensor;
        }
      }
      return found;
    },
    { bytes: base64(model), runs: fed.map(encoded) },
  );
  expect(inBrowser).toHaveLength(steps);
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  for (const [i, loss] of inBrowser.entries()) expect(Math.abs(loss - (losses[i] ?? Number.NaN))).toBeLessThan(1e-4);
}, 120_000);

type BrowserDType = "float32" | "int32" | "uint32" | "uint8";

function encoded(feeds: Feeds) {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, bytes }]) => [
      name,
      { dtype: dtype as BrowserDType, shape: [...shape], data: base64(bytes) },
    ]),
  );
}

function copyOf({ dtype, shape, bytes }: Tensor): Tensor {
  return new Tensor(dtype, shape, bytes.slice());
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
