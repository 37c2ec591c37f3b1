import { Tensor } from "../../src/base/tensor.ts";
import { sparseCategoricalCrossentropy } from "../../src/nn/losses.ts";
import type { Network } from "../../src/nn/network.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { sgd } from "../../src/optim/optimizers.ts";
import { oneCycle } from "../../src/optim/schedules.ts";
import type { TrainingData } from "../../src/train/data.ts";
import { Evaluator } from "../../src/train/evaluator.ts";
import { type FitPlan, fit } from "../../src/train/fit.ts";
import { measures } from "../../src/train/measures.ts";
import { freshProgress } from "../../src/train/progress.ts";
import { initialTensors, TrainingState } from "../../src/train/state.ts";
import type { Recipe } from "../../src/train/step.ts";
import { loadPixels, pixelData } from "../../src/transfer/pixelData.ts";
import { type CifarImages, cifarImages } from "../cifarImages.ts";
import { cifarNetwork } from "./network.ts";
import { trainingViews, viewed, votingViews } from "./views.ts";
import { whiteningKernel } from "./whitening.ts";

const [path = "cifar10.tar.gz", epochsText = "20"] = process.argv.slice(2);
const seed = 0;
const batchSize = 256;
const epochs = Number(epochsText);
/** The first part of the epochs sees images of 24 pixels a side, which cost half; the second their full size. */
const parts = [
  { side: 24, end: Math.round(0.4 * epochs) },
  { side: 32, end: epochs },
] as const;
const learningRate = 0.25;
const weightDecay = 1e-3;
const whiteningImages = 2000;
const platform = nodePlatform();
const { images, training, testing } = await imagesOf(32);

const network = cifarNetwork(32);
const weights = initialTensors(network.parameters, seed);
const every = Math.floor(training.length / whiteningImages);
const some = Array.from({ length: whiteningImages }, (_, i) => training[i * every] ?? 0);
weights.set("body/whiten/weight", whiteningKernel(await loadPixels(images, some)));
startAsIdentity(weights);
const state = new TrainingState(weights);

const cycle = oneCycle({ rise: 0.25, divide: 5, divideFinal: 200 });
const totalSteps = epochs * Math.ceil(training.length / batchSize);
const progress = freshProgress();
let trainedSeconds = 0;
for (const { side, end } of parts) {
  const seen = side === 32 ? images : (await imagesOf(side)).images;
  const startMs = performance.now();
  await trainUntil(end, cifarNetwork(side), pixelData(seen, training));
  trainedSeconds += (performance.now() - startMs) / 1000;
}

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

function imagesOf(side: number): Promise<CifarImages> {
  return cifarImages(path, { resizeTo: side, cropTo: side, interpolation: "bilinear" }, platform);
}

/** Trains from where the progress stands until so many epochs are done; the learning rate's cycle spans all parts. */
async function trainUntil(end: number, seenBy: Network, data: TrainingData): Promise<void> {
  const plan: FitPlan = {
    recipe: recipeFor(seenBy),
    train: viewed(data, trainingViews(seed)),
    validation: undefined,
    epochs: end,
    batchSize,
    seed,
    schedule: (step) => cycle(step, totalSteps),
    classWeights: undefined,
    measures: [measures.accuracy],
    callbacks: [],
  };
  const startMs = performance.now();
  for await (const event of fit(plan, state, { engine: platform.engine, nowMs: () => performance.now() }, progress)) {
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
    if (event.type === "step" && event.step % 20 === 0)
      console.log(
        `epoch ${event.epoch} step ${event.step}/${event.steps}  loss ${event.loss.toFixed(3)}  ${seconds} s`,
      );
    if (event.type === "epoch") console.log(`epoch ${event.log.epoch}  ${JSON.stringify(event.log)}`);
  }
}

function recipeFor(seenBy: Network): Recipe {
  return {
    network: seenBy,
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
    trainable: seenBy.parameters.trainable.filter(({ path: name }) => name !== "body/whiten/weight"),
  };
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
