import { foldsOf } from "../data/folds.ts";
import { isIdentity } from "../image/augmentation.ts";
import { dense, dropout } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { optimizers } from "../optim/optimizers.ts";
import { constantSchedule } from "../optim/schedules.ts";
import type { TrainingData } from "../train/data.ts";
import { initialTensors } from "../train/state.ts";
import { allDraws } from "./allDraws.ts";
import { drawsPerImage, FeatureCache } from "./featureCache.ts";
import { type LinearHead, solveLinearHead } from "./linearHead.ts";
import type { BackboneJob, HeadName, StrategyEvent, TransferPlan } from "./strategy.ts";

const foldCount = 5;
const hiddenUnits = 256;

/** The pretrained network stays as it is; a head learns from its features, which are computed once. */
export async function* featureExtraction(
  job: BackboneJob,
  head: HeadName,
): AsyncGenerator<StrategyEvent, TransferPlan> {
  const { backbone, images, split, classes, augmentation, platform, seed, signal } = job;
  const features = await FeatureCache.open(backbone, images, platform);
  const isAugmented = !isIdentity(augmentation);
  if (isAugmented) {
    yield { type: "note", text: `augmentation: ${drawsPerImage} variants of each image, whose features are kept` };
  }
  const asTheyAre = [...split.train, ...split.validation, ...split.test];
  for await (const progress of features.compute(asTheyAre, signal)) {
    yield { type: "progress", phase: "features", ...progress };
  }
  const data = (indices: readonly number[], isTraining: boolean) =>
    isTraining && isAugmented ? features.augmented(indices, augmentation, seed) : features.data(indices);
  const common = { backbone, data, dispose: () => features.dispose() };
  const shape = [backbone.width];
  switch (head) {
    case "linear": {
      const network = sequentialNetwork([dense(classes, { activation: "softmax", name: "head" })], shape);
      return {
        ...common,
        network,
        async *initial() {
          const learned = data(split.train, true);
          const { kernel, bias } = yield* solved(job, isAugmented ? allDraws(learned) : learned);
          return new Map([
            ["head/kernel", kernel],
            ["head/bias", bias],
          ]);
        },
        learning: undefined,
      };
    }
    case "mlp": {
      const layers = [
        dense(hiddenUnits, { activation: "relu" }),
        dropout(0.5),
        dense(classes, { activation: "softmax", name: "head" }),
      ];
      const network = sequentialNetwork(layers, shape);
      return {
        ...common,
        network,
        initial: initialTensors(network.parameters, seed),
        learning: {
          recipe: {
            network,
            loss: sparseCategoricalCrossentropy(),
            optimizer: optimizers[job.optimizer]({ learningRate: job.learningRate }),
            trainable: network.parameters.trainable,
          },
          schedule: constantSchedule(),
        },
      };
    }
  }
}

/** The linear head at its optimum, and in words how it was found. */
export async function* solved(job: BackboneJob, data: TrainingData): AsyncGenerator<StrategyEvent, LinearHead> {
  const { images, split, classes, classWeights, platform, seed, signal } = job;
  const ofImages = foldsOf(images.samples, split.train, { count: foldCount, seed });
  const folds = Int32Array.from({ length: data.count }, (_, row) => ofImages[row % ofImages.length] ?? -1);
  const startMs = platform.nowMs();
  const head = await solveLinearHead(data, { classes, folds, classWeights, signal }, platform.engine);
  const seconds = ((platform.nowMs() - startMs) / 1000).toFixed(1);
  const best = head.trials.find(({ penalty }) => penalty === head.penalty);
  const measured =
    best === undefined
      ? "too few images to cross-validate"
      : `${(100 * best.accuracy).toFixed(1)} % in ${foldCount}-fold cross-validation on ${split.train.length} training images`;
  yield {
    type: "note",
    text: `linear head: penalty ${head.penalty.toPrecision(2)}, ${measured}, solved in ${seconds} s`,
  };
  return head;
}
