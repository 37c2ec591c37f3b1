import { Tensor } from "../../src/base/tensor.ts";
import { sparseCategoricalCrossentropy } from "../../src/nn/losses.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { sgd } from "../../src/optim/optimizers.ts";
import { oneCycle } from "../../src/optim/schedules.ts";
import { Evaluator } from "../../src/train/evaluator.ts";
import { fit } from "../../src/train/fit.ts";
import { measures } from "../../src/train/measures.ts";
import { initialTensors, TrainingState } from "../../src/train/state.ts";
import { loadPixels, pixelData } from "../../src/transfer/pixelData.ts";
import { cifarImages } from "../cifarImages.ts";
import { cifarNetwork } from "./network.ts";
import { trainingViews, viewed, votingViews } from "./views.ts";
import { whiteningKernel } from "./whitening.ts";

const [path = "cifar10.tar.gz", epochsText = "18"] = process.argv.slice(2);
const seed = 0;
const batchSize = 256;
const epochs = Number(epochsText);
const learningRate = 0.25;
const weightDecay = 1e-3;
const whiteningImages = 2000;
const platform = nodePlatform();
const preparation = { resizeTo: 32, cropTo: 32, interpolation: "bilinear" } as const;
const { images, training, testing } = await cifarImages(path, preparation, platform);

const network = cifarNetwork();
const weights = initialTensors(network.parameters, seed);
const every = Math.floor(training.length / whiteningImages);
const some = Array.from({ length: whiteningImages }, (_, i) => training[i * every] ?? 0);
weights.set("body/whiten/weight", whiteningKernel(await loadPixels(images, some)));
startAsIdentity(weights);
const state = new TrainingState(weights);

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
    train: viewed(pixelData(images, training), trainingViews(seed)),
    validation: undefined,
    epochs,
    batchSize,
    seed,
    schedule: oneCycle({ rise: 0.25, divide: 5, divideFinal: 200 }),
    classWeights: undefined,
    measures: [measures.accuracy],
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
const straight = (await evaluator.predict(plain, state, 250)).floats;
const votes = new Float32Array(straight.length);
for (const { weight, ...view } of votingViews) {
  const seen = await evaluator.predict(
    viewed(plain, () => view),
    state,
    250,
  );
  for (const [i, value] of seen.floats.entries()) votes[i] = (votes[i] ?? 0) + weight * Math.log(value);
}
await evaluator.dispose();
const labels = testing.map((i) => images.samples[i]?.label ?? -1);
console.log(`trained ${epochs} epochs in ${trainedSeconds.toFixed(0)} s`);
console.log(`test accuracy ${percent(accuracy(straight, labels))}`);
console.log(`by vote of ${votingViews.length} views ${percent(accuracy(votes, labels))}`);

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
