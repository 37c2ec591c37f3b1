import { stream } from "../../src/base/random.ts";
import { Tensor } from "../../src/base/tensor.ts";
import { openSource } from "../../src/data/openSource.ts";
import { prepareImages } from "../../src/data/preparedImages.ts";
import { augmentationSchema } from "../../src/image/augmentation.ts";
import { sparseCategoricalCrossentropy } from "../../src/nn/losses.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { sgd } from "../../src/optim/optimizers.ts";
import { oneCycle } from "../../src/optim/schedules.ts";
import type { TrainingData } from "../../src/train/data.ts";
import { Evaluator } from "../../src/train/evaluator.ts";
import { fit } from "../../src/train/fit.ts";
import { initialTensors, TrainingState } from "../../src/train/state.ts";
import { Augmenter, augmented, loadPixels, pixelData } from "../../src/transfer/pixelData.ts";
import { cifarNetwork } from "./network.ts";
import { whiteningKernel } from "./whitening.ts";

const [path = "cifar10.tar.gz", epochsText = "12"] = process.argv.slice(2);
const seed = 0;
const batchSize = 256;
const epochs = Number(epochsText);
const learningRate = 0.25;
const weightDecay = 1e-3;
const whiteningImages = 2000;

const platform = nodePlatform();
const source = await openSource(path, platform);
const preparing = prepareImages(source, { resizeTo: 32, cropTo: 32, interpolation: "bilinear" }, platform, undefined);
let step = await preparing.next();
while (!step.done) step = await preparing.next();
const images = step.value;
const indicesOf = (split: string) => [...images.samples.keys()].filter((i) => images.samples[i]?.split === split);
const [training, testing] = [indicesOf("train"), indicesOf("test")];
console.log(`${training.length} images to train on, ${testing.length} to test`);

const network = cifarNetwork();
const weights = initialTensors(network.parameters, seed);
const every = Math.floor(training.length / whiteningImages);
const some = Array.from({ length: whiteningImages }, (_, i) => training[i * every] ?? 0);
weights.set("body/whiten/weight", whiteningKernel(await loadPixels(images, some)));
startAsIdentity(weights);
const state = new TrainingState(weights);
const augmenter = new Augmenter(augmentationSchema.parse({ randomCrop: 2, fillMode: "reflect" }), seed, 32, platform);

const startMs = performance.now();
const run = fit(
  {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy({ labelSmoothing: 0.2 }),
      optimizer: sgd({
        learningRate,
        momentum: 0.9,
        nesterov: true,
        weightDecay,
        groups: [
          { paths: /norm\d\/weight$/, frozen: true },
          { paths: /norm\d\/bias$/, learningRate: learningRate * 16, weightDecay: weightDecay / 16 },
        ],
      }),
      trainable: network.parameters.trainable.filter(({ path: name }) => name !== "body/whiten/weight"),
    },
    train: alternating(augmented(images, training, augmenter)),
    validation: undefined,
    epochs,
    batchSize,
    seed,
    schedule: oneCycle({ rise: 0.25, divide: 5, divideFinal: 200 }),
    classWeights: undefined,
    measures: ["accuracy"],
    callbacks: [],
  },
  state,
  { engine: platform.engine, nowMs: () => performance.now() },
);
for await (const event of run) {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  if (event.type === "step" && event.step % 20 === 0)
    console.log(`epoch ${event.epoch} step ${event.step}/${event.steps}  loss ${event.loss.toFixed(3)}  ${seconds} s`);
  if (event.type === "epoch") console.log(`epoch ${event.log.epoch}  ${JSON.stringify(event.log)}`);
}
const trainedSeconds = (performance.now() - startMs) / 1000;

const evaluator = new Evaluator(network, platform.engine);
const plain = pixelData(images, testing);
const straight = await evaluator.predict(plain, state, 250);
const mirrored = await evaluator.predict(mirror(plain), state, 250);
await evaluator.dispose();
await augmenter.dispose();
const labels = testing.map((i) => images.samples[i]?.label ?? -1);
const mean = straight.floats.map((value, i) => value + (mirrored.floats[i] ?? 0));
console.log(`trained ${epochs} epochs in ${trainedSeconds.toFixed(0)} s`);
console.log(`test accuracy ${percent(accuracy(straight.floats, labels))}`);
console.log(`with each image seen mirrored too ${percent(accuracy(mean, labels))}`);

/** Every image mirrored in every second epoch, half of them first in one way: each pair of epochs sees both, where chance repeats itself. */
function alternating(data: TrainingData): TrainingData {
  return {
    ...data,
    async load(batch, epoch = 0) {
      return exchanged(
        await data.load(batch, epoch),
        (i) => (stream(seed, "mirror", batch[i] ?? 0).bits() + epoch) % 2 === 0,
      );
    },
  };
}

/** The same images, left and right exchanged. */
function mirror(data: TrainingData): TrainingData {
  return { ...data, load: async (batch, epoch) => exchanged(await data.load(batch, epoch), () => true) };
}

/** Images [N, 32, 32, 3], those chosen mirrored. */
function exchanged(images: Tensor, chosen: (image: number) => boolean): Tensor {
  const pixelBytes = (3 * images.bytes.length) / images.size;
  const rowBytes = 32 * pixelBytes;
  const bytes = images.bytes.slice();
  for (let row = 0; row < bytes.length / rowBytes; row++) {
    if (!chosen(Math.floor(row / 32))) continue;
    for (let x = 0; x < 32; x++) {
      const from = row * rowBytes + (31 - x) * pixelBytes;
      bytes.set(images.bytes.subarray(from, from + pixelBytes), row * rowBytes + x * pixelBytes);
    }
  }
  return new Tensor(images.dtype, images.shape, bytes);
}

/**
 * Convolutions that start as the identity on their first channels and at random on the others (Jordan 2024, §3.2), so that signals
 * reach the end from the first step on.
 */
function startAsIdentity(weights: Map<string, Tensor>): void {
  for (const [path, tensor] of weights) {
    if (!/conv\d\/weight$/.test(path)) continue;
    const [, channels = 0] = tensor.shape;
    const values = tensor.floats.slice();
    for (let filter = 0; filter < Math.min(channels, tensor.shape[0] ?? 0); filter++) {
      const start = filter * channels * 9;
      values.fill(0, start, start + channels * 9);
      values[start + filter * 9 + 4] = 1;
    }
    weights.set(path, Tensor.float32(tensor.shape, values));
  }
}

function accuracy(probabilities: Float32Array, expected: readonly number[]): number {
  const right = expected.filter((label, i) => {
    const row = probabilities.subarray(i * 10, i * 10 + 10);
    return row.indexOf(Math.max(...row)) === label;
  });
  return right.length / expected.length;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
