import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writePhotos } from "../../test/photos.fixture.ts";
import { stagedClassifier } from "../backbones/classifier.fixture.ts";
import { type Backbone, loadOnnxBackbone } from "../backbones/onnxBackbone.ts";
import { stageMaps } from "../backbones/stageMaps.ts";
import { trainableBackbone, withWeights } from "../backbones/trainableBackbone.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { openSource } from "../data/openSource.ts";
import { type PreparedImages, prepareImages } from "../data/preparedImages.ts";
import { substitute } from "../graph/substitute.ts";
import { input } from "../graph/value.ts";
import { augmentationSchema } from "../image/augmentation.ts";
import { normalise } from "../image/prepare.ts";
import { dense } from "../nn/denseLayers.ts";
import type { Loss } from "../nn/loss.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { nodePlatform } from "../node/platform.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { optimizers, sgd } from "../optim/optimizers.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { compileStep } from "../train/step.ts";
import { behaviourPenalty, channelAttention } from "./delta.ts";
import { loadPixels } from "./pixelData.ts";

const side = 16;
const count = 4;
const strength = 0.3;
const platform = nodePlatform();
const backbone = loadOnnxBackbone(stagedClassifier(), "staged.onnx", "unknown");
const random = stream(3, "delta test");
const pixels = Tensor.of(
  "uint8",
  [count, side, side, 3],
  Uint8Array.from({ length: count * side * side * 3 }, () => random.below(256)),
);
const attention = [6, 8, 8].map((channels) =>
  Float32Array.from({ length: channels }, (_, c) => (2 * (c + 1)) / (channels + 1)),
);

/** The maps and features of a network with constant weights on some pixels. */
async function computed(of: Backbone, images: Tensor) {
  const fed = input("pixels", "uint8", images.shape);
  const bound = new Map([[of.input, normalise(fed, of.normalisation)]]);
  const [features, ...maps] = substitute([of.features, ...stageMaps(of)], bound);
  const outputs = Object.fromEntries([["features", features], ...maps.map((map, i) => [`map.${i}`, map] as const)]);
  const results = await evaluate([fed], outputs, { pixels: images });
  return { features: results["features"]?.floats, maps: maps.map((_, i) => results[`map.${i}`]) };
}

describe("the penalty on other behaviour", () => {
  const trainable = trainableBackbone(backbone);
  const network = sequentialNetwork(
    [trainable.layer, dense(3, { activation: "softmax", name: "head" })],
    [side, side, 3],
  );
  const head = [...initialTensors(network.parameters, 0)].filter(([path]) => path.startsWith("head/"));
  const pretrained = new Map([...trainable.weights, ...head]);
  const noise = stream(4, "moved weights");
  const moved = new Map(
    [...pretrained].map(([path, { shape, floats }]) => [
      path,
      Tensor.float32(
        shape,
        floats.map((value) => value + 0.05 * noise.normal()),
      ),
    ]),
  );

  /** The loss at some weights, and its gradient: one step of plain gradient descent at rate 1. */
  async function step(weights: ReadonlyMap<string, Tensor>, penalty?: Loss) {
    const recipe = {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: sgd({ learningRate: 1 }),
      trainable: network.parameters.trainable,
      penalty,
    };
    const compiled = await compileStep(recipe, count, "uint8", platform.engine);
    const state = new TrainingState(weights);
    const batch = {
      x: pixels,
      y: Tensor.of("int32", [count], Int32Array.of(0, 1, 2, 1)),
      weights: Tensor.float32([count], [1, 1, 1, 1]),
      dropoutKeys: Tensor.of("uint32", [count], new Uint32Array(count)),
    };
    const { loss } = await compiled.run(state, batch, 1);
    await compiled.dispose();
    const gradient = new Map(
      [...weights].map(([path, { floats }]) => [
        path,
        floats.map((value, i) => value - (state.get(path).floats[i] ?? 0)),
      ]),
    );
    return { loss, gradient };
  }

  const penalty = behaviourPenalty(backbone, attention, strength);

  it("is nothing, without a gradient, where the network behaves as it did", async () => {
    const [free, held] = [await step(pretrained), await step(pretrained, penalty)];
    expect(held.loss).toBeCloseTo(free.loss, 6);
    for (const [path, gradient] of held.gradient) {
      for (const [i, value] of gradient.entries())
        expect(value).toBeCloseTo(free.gradient.get(path)?.[i] ?? Number.NaN, 5);
    }
  });

  it("is half the weighted squared distance of the maps, per position and image", async () => {
    const { backbone: other } = withWeights(backbone, (path) => moved.get(`backbone/${path}`));
    const [before, after] = [await computed(backbone, pixels), await computed(other, pixels)];
    let expected = 0;
    for (const [stage, map] of before.maps.entries()) {
      const [, channels = 0, height = 0, width = 0] = map?.shape ?? [];
      const positions = height * width;
      for (const [i, value] of (map?.floats ?? []).entries()) {
        const weight = attention[stage]?.[Math.floor(i / positions) % channels] ?? Number.NaN;
        const away = (after.maps[stage]?.floats[i] ?? Number.NaN) - value;
        expected += ((strength / 2) * weight * away * away) / positions / count;
      }
    }
    const [free, held] = [await step(moved), await step(moved, penalty)];
    expect(expected).toBeGreaterThan(0.01);
    expect((held.loss - free.loss) / expected).toBeCloseTo(1, 4);
  });

  it("has the gradient of its value along a random direction", async () => {
    const draw = stream(5, "direction");
    const direction = new Map([...moved].map(([path, { floats }]) => [path, floats.map(() => draw.normal())]));
    const shifted = (by: number) =>
      new Map(
        [...moved].map(([path, { shape, floats }]) => [
          path,
          Tensor.float32(
            shape,
            floats.map((value, i) => value + by * (direction.get(path)?.[i] ?? 0)),
          ),
        ]),
      );
    const epsilon = 2 ** -12;
    const [plus, minus] = [await step(shifted(epsilon), penalty), await step(shifted(-epsilon), penalty)];
    const { gradient } = await step(moved, penalty);
    let slope = 0;
    for (const [path, values] of gradient)
      for (const [i, value] of values.entries()) slope += value * (direction.get(path)?.[i] ?? 0);
    // ReLUs that switch within ε and the losses' rounding, 1e-7/(2ε), cost a part in some hundred; a wrong factor would cost far more.
    expect(Math.abs((plus.loss - minus.loss) / (2 * epsilon) / slope - 1)).toBeLessThan(0.01);
  });
});

describe("the attention of channels", () => {
  let images: PreparedImages;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "graft-delta-"));
    await writePhotos(join(folder, "photos"), { red: [190, 80, 80], blue: [80, 80, 190] }, 10, side);
    const preparation = { resizeTo: side, cropTo: side, interpolation: "bilinear" } as const;
    const own = { ...platform, cacheDir: join(folder, "cache") };
    const preparing = prepareImages(await openSource(join(folder, "photos"), own), preparation, own, undefined);
    let next = await preparing.next();
    while (!next.done) next = await preparing.next();
    images = next.value;
  });

  it("is the softmax of what the loss would lose to first order, as by hand at the last map", async () => {
    const train = [...images.samples.keys()];
    const draw = stream(6, "head");
    const kernel = Float32Array.from({ length: 8 * 2 }, () => draw.uniform(-0.05, 0.05));
    const head = new Map([
      ["head/kernel", Tensor.of("float32", [8, 2], kernel)],
      ["head/bias", Tensor.float32([2], [0, 0])],
    ]);
    const job = {
      backbone,
      images,
      split: { train, validation: [], test: [], account: [] },
      classes: 2,
      classWeights: undefined,
      augmentation: augmentationSchema.parse({}),
      mixing: { mixup: 0, cutmix: 0 },
      optimizer: optimizers.adam,
      learningRate: 1e-3,
      seed: 0,
      platform,
      signal: new AbortController().signal,
    };
    const run = channelAttention(job, head);
    let next = await run.next();
    while (!next.done) next = await run.next();
    const [first, , last] = next.value;
    expect(first).toHaveLength(6);

    // Behind the last map come its means f and logits f·K: leaving out channel c costs −Σ f_c · Σ_k (p − y)_k K_ck.
    const { features = new Float32Array(0) } = await computed(backbone, await loadPixels(images, train));
    const costs = new Array<number>(8).fill(0);
    for (const [row, index] of train.entries()) {
      const f = features.subarray(8 * row, 8 * row + 8);
      const logits = [0, 1].map((k) => f.reduce((sum, value, c) => sum + value * (kernel[2 * c + k] ?? 0), 0));
      const p = 1 / (1 + Math.exp((logits[0] ?? 0) - (logits[1] ?? 0)));
      const error = p - (images.samples[index]?.label ?? 0);
      for (const [c, value] of f.entries()) {
        costs[c] = (costs[c] ?? 0) - value * error * ((kernel[2 * c + 1] ?? 0) - (kernel[2 * c] ?? 0));
      }
    }
    const mean = costs.reduce((sum, cost) => sum + cost, 0) / 8;
    const deviation = Math.sqrt(costs.reduce((sum, cost) => sum + (cost - mean) ** 2, 0) / 8);
    const powers = costs.map((cost) => Math.exp((cost - mean) / deviation / 5));
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (const [c, power] of powers.entries()) expect(last?.[c]).toBeCloseTo((8 * power) / total, 3);
  });
});
