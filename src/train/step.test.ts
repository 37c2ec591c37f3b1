import { describe, expect, it } from "vitest";
import { batchNorm, convolution } from "../backbones/blocks.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { dense } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { globalAveragePooling2d } from "../nn/poolingLayers.ts";
import type { Statistics } from "../nn/scope.ts";
import { createEngine } from "../node/engine.ts";
import { relu } from "../ops/activations.ts";
import { sgd } from "../optim/optimizers.ts";
import type { Engine } from "../platform/platform.ts";
import { initialTensors, TrainingState } from "./state.ts";
import { compileStep } from "./step.ts";

const native = createEngine();
/** An engine of a processor or a runtime without the blocked layout. */
const plain: Engine = {
  device: () => native.device(),
  compile(model, options) {
    if (new TextDecoder("latin1").decode(model).includes("com.microsoft.nchwc"))
      return Promise.reject(new GraftError("model", "no such domain"));
    return native.compile(model, options);
  },
};

const network = sequentialNetwork(
  [
    moduleLayer("body", (scope, x) => {
      const stem = relu(
        batchNorm(scope.at("bn1"), convolution(scope.at("conv1"), x, { filters: 16, kernel: 3, stride: 2 })),
      );
      return relu(batchNorm(scope.at("bn2"), convolution(scope.at("conv2"), stem, { filters: 32, kernel: 3 })));
    }),
    globalAveragePooling2d(),
    dense(3, { activation: "softmax" }),
  ],
  [64, 64, 3],
);

async function train(engine: Engine, statistics: Statistics) {
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
  const loss = sparseCategoricalCrossentropy();
  const recipe = { network, loss, optimizer, trainable: network.parameters.trainable, statistics };
  const step = await compileStep(recipe, 4, "float32", engine);
  const state = new TrainingState(initialTensors(network.parameters, 1));
  const random = stream(2, "step test");
  const pixels = Array.from({ length: 4 * 64 * 64 * 3 }, () => random.uniform(-1, 1));
  const batch = {
    x: Tensor.float32([4, 64, 64, 3], pixels),
    y: Tensor.of("int32", [4], Int32Array.of(0, 1, 2, 1)),
    weights: Tensor.float32([4], [1, 1, 1, 1]),
    dropoutKeys: Tensor.of("uint32", [4], new Uint32Array(4)),
  };
  const losses: number[] = [];
  for (let i = 0; i < 8; i++) losses.push((await step.run(state, batch, optimizer.learningRate)).loss);
  await step.dispose();
  return { losses, state };
}

describe.each(["frozen", "measured"] as const)("a training step with %s statistics", (statistics) => {
  it("falls to the same loss with and without the blocked layout", async () => {
    const blocked = await train(native, statistics);
    const fallback = await train(plain, statistics);
    expect(blocked.losses.at(-1)).toBeLessThan(0.9 * (blocked.losses[0] ?? 0));
    for (const [i, loss] of blocked.losses.entries()) expect(loss).toBeCloseTo(fallback.losses[i] ?? Number.NaN, 4);
  });

  it(
    statistics === "frozen" ? "keeps the running statistics as they are" : "moves the running statistics",
    async () => {
      const { state } = await train(native, statistics);
      const moved = [...state.get("body/bn1/running_mean").floats].some((value) => value !== 0);
      expect(moved).toBe(statistics === "measured");
    },
  );
});

describe("the pull of the starting point", () => {
  it("is that of an L2 penalty on the way moved, and none on parameters that it does not name", async () => {
    const start = Tensor.float32([2, 3], [0.5, -1, 2, 0, 0.25, -0.5]);
    const stepped = async (strength: number) => {
      const small = sequentialNetwork([dense(3, { activation: "softmax", name: "head" })], [2]);
      const optimizer = sgd({ learningRate: 0.1 });
      const recipe = {
        network: small,
        loss: sparseCategoricalCrossentropy(),
        optimizer,
        trainable: small.parameters.trainable,
        startingPoint: { weights: new Map([["head/kernel", start]]), strength },
      };
      const step = await compileStep(recipe, 2, "float32", native);
      const state = new TrainingState(initialTensors(small.parameters, 4));
      const before = [...state.get("head/kernel").floats];
      const batch = {
        x: Tensor.float32([2, 2], [1, 2, -1, 0.5]),
        y: Tensor.of("int32", [2], Int32Array.of(0, 2)),
        weights: Tensor.float32([2], [1, 1]),
        dropoutKeys: Tensor.of("uint32", [2], new Uint32Array(2)),
      };
      await step.run(state, batch, optimizer.learningRate);
      await step.dispose();
      return { before, kernel: [...state.get("head/kernel").floats], bias: [...state.get("head/bias").floats] };
    };
    const free = await stepped(0);
    const pulled = await stepped(3);
    // One step of plain gradient descent: w − rate·(∇loss + strength·(w − w⁰)).
    for (const [i, weight] of free.kernel.entries()) {
      const away = (free.before[i] ?? 0) - (start.floats[i] ?? 0);
      expect(pulled.kernel[i]).toBeCloseTo(weight - 0.1 * 3 * away, 5);
    }
    expect(pulled.bias).toEqual(free.bias);
  });
});
