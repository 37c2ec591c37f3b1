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

const [path = "cifar10.tar.gz", epochsText = "6"] = process.argv.slice(2);
const seed = 0;
const batchSize = 256;
const epochs = Number(epochsText);
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
const state = new TrainingState(weights);
const augmenter = new Augmenter(
  augmentationSchema.parse({ horizontalFlip: true, randomCrop: 2, fillMode: "reflect" }),
  seed,
  32,
  platform,
);

const startMs = performance.now();
const run = fit(
  {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy({ labelSmoothing: 0.1 }),
      optimizer: sgd({ learningRate: 0.4, momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
      trainable: network.parameters.trainable.filter(({ path: name }) => name !== "body/whiten/weight"),
    },
    train: augmented(images, training, augmenter),
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

/** The same images, left and right exchanged. */
function mirror(data: TrainingData): TrainingData {
  return {
    ...data,
    async load(batch, epoch) {
      const { shape, bytes } = await data.load(batch, epoch);
      const flipped = new Uint8Array(bytes.length);
      for (let row = 0; row < bytes.length / 96; row++) {
        for (let x = 0; x < 32; x++) {
          const from = row * 96 + (31 - x) * 3;
          flipped.set(bytes.subarray(from, from + 3), row * 96 + x * 3);
        }
      }
      return Tensor.of("uint8", shape, flipped);
    },
  };
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
