import { type AdditionName, additionNames, mergedLora } from "../backbones/additions.ts";
import { backboneName, type TrainableBackbone, trainableBackbone } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { sizeOf, type Tensor } from "../base/tensor.ts";
import { isIdentity } from "../image/augmentation.ts";
import { dense } from "../nn/denseLayers.ts";
import { initialTensors } from "../nn/initialTensors.ts";
import type { Loss } from "../nn/loss.ts";
import { sequentialNetwork } from "../nn/network.ts";
import type { Parameter } from "../nn/scope.ts";
import type { ParameterOverrides } from "../optim/groups.ts";
import { cosineSchedule, warmUp } from "../optim/schedules.ts";
import { FeatureCache } from "./featureCache.ts";
import { solved } from "./heads.ts";
import { classLearning } from "./mixing.ts";
import { Augmenter, augmented, pixelData } from "./pixelData.ts";
import type { BackboneJob, StrategyEvent, TransferPlan, Weights } from "./strategy.ts";

/** The learning rate of a stage over that of the stage after it. */
const stageDecay = 0.8;
const labelSmoothing = 0.1;
/** Steps in which the learning rate rises, so that the first batches do not undo what was learned before. */
const warmUpSteps = 50;

/** What fine-tuning changes in a stage: everything, only biases and the scales of normalisation, or only what is added to it. */
export const tunedParameters = ["all", "biases", ...additionNames] as const;
export type TunedParameters = (typeof tunedParameters)[number];

export interface FineTuneOptions {
  readonly stages?: number | undefined;
  readonly l2sp?: number | undefined;
  readonly parameters?: TunedParameters | undefined;
  readonly unfreezing?: Unfreezing | undefined;
  readonly behaviour?: Loss | undefined;
  readonly solvedHead?: Weights | undefined;
}

/** Stages begin to learn one after another, from the last (gradual unfreezing; Howard & Ruder 2018, §3.3). */
export interface Unfreezing {
  /** Between two of them. */
  readonly epochs: number;
  readonly stepsAnEpoch: number;
}

/**
 * First the head on frozen features, then everything together (LP-FT, Kumar et al. 2022): a random head would distort the features.
 * Earlier stages learn more slowly (Howard & Ruder 2018, §3.2); batch normalisation keeps its statistics.
 *
 * @param stages how many of the last stages learn; a stage is what works at one size of the maps. Default: all
 * @param parameters `biases` leaves all kernels as they are (BitFit, Ben Zaken et al. 2022; Frankle, Schwab & Morcos 2021),
 * `adapters` and `lora` leave all weights and train additions to them. Default: all
 * @param l2sp how strongly the pretrained weights pull back; see `StartingPoint`. Default: not at all
 * @param unfreezing when earlier stages begin to learn; the last one does at once. Default: all do
 * @param behaviour what holds the network to how it behaved, such as `behaviourPenalty`. Default: nothing
 * @param solvedHead a linear head that was solved before on the same images
 */
export function fineTune(
  job: BackboneJob,
  {
    stages = Number.POSITIVE_INFINITY,
    l2sp = 0,
    parameters = "all",
    unfreezing,
    behaviour,
    solvedHead,
  }: FineTuneOptions = {},
): TransferPlan {
  const { backbone, images, classes, augmentation, seed, platform } = job;
  const { side } = images;
  const { loss, ...targets } = classLearning(job, labelSmoothing);
  const addition = parameters === "adapters" || parameters === "lora" ? parameters : undefined;
  const trainable = trainableBackbone(backbone, backboneName, addition);
  const networkOf = ({ layer }: TrainableBackbone) =>
    sequentialNetwork([layer, dense(classes, { activation: "softmax", name: "head" })], [side, side, 3]);
  const network = networkOf(trainable);
  const last = Math.max(...trainable.stages.values());
  const isTuned = (path: string, stage: number) => last - stage < stages && isChosen(parameters, path, trainable);
  const tuned = Array.from({ length: last + 1 }, (_, stage) =>
    [...trainable.stages].filter(([path, own]) => own === stage && isTuned(path, own)).map(([path]) => path),
  );
  const begins = beginnings(tuned, unfreezing);
  const groups: ParameterOverrides[] = tuned.map((paths, stage) => ({
    paths: exactly(paths),
    learningRate: job.learningRate * stageDecay ** (last - stage),
    frozenSteps: (begins[stage] ?? 0) * (unfreezing?.stepsAnEpoch ?? 0),
  }));
  const kept = [...trainable.stages].filter(([path, stage]) => !isTuned(path, stage)).map(([path]) => path);
  if (kept.length === trainable.stages.size) {
    throw new GraftError(
      "model",
      `"${backbone.name}" has no biases or scales of normalisation in the stages to be trained. Train all its parameters, or more stages.`,
    );
  }
  groups.push({ paths: exactly(kept), frozen: true });
  const augmenter = isIdentity(augmentation) ? undefined : new Augmenter(augmentation, seed, side, platform);
  return {
    network,
    backbone: undefined,
    data: (indices, isTraining) =>
      isTraining && augmenter !== undefined ? augmented(images, indices, augmenter) : pixelData(images, indices),
    async *initial() {
      const head = solvedHead ?? (yield* headOnFeatures(job));
      const lastBegins = Math.max(...begins);
      if (lastBegins > 0) {
        const text = `${new Set(begins).size} stages begin to learn one after another, from the last: all from epoch ${lastBegins + 1} on`;
        yield { type: "note", text } satisfies StrategyEvent;
      }
      const list = network.parameters.list.filter(({ path }) => trainable.added.has(path));
      if (addition !== undefined)
        yield { type: "note", text: shareOf(addition, list, trainable) } satisfies StrategyEvent;
      return new Map([...initialTensors({ list }, seed), ...trainable.weights, ...head]);
    },
    learning: {
      recipe: {
        network,
        loss,
        optimizer: job.optimizer({ learningRate: job.learningRate, groups }),
        trainable: network.parameters.trainable,
        statistics: "frozen",
        penalty: behaviour,
        ...(l2sp === 0 ? {} : { startingPoint: { weights: trainable.weights, strength: l2sp } }),
      },
      schedule: warmUp(warmUpSteps, cosineSchedule()),
      ...targets,
    },
    ...(addition === "lora"
      ? {
          served: (weights: Weights) => ({
            network: networkOf(trainableBackbone(backbone)),
            weights: mergedLora(weights),
          }),
        }
      : {}),
    dispose: async () => augmenter?.dispose(),
  };
}

/** A linear head, solved on the frozen features of the training images. */
export async function* headOnFeatures(job: BackboneJob): AsyncGenerator<StrategyEvent, Weights> {
  const { backbone, images, split, platform, signal } = job;
  const features = await FeatureCache.open(backbone, images, platform);
  try {
    for await (const progress of features.compute(split.train, signal)) {
      yield { type: "progress", phase: "features", ...progress };
    }
    const { kernel, bias } = yield* solved(job, features.data(split.train));
    return new Map([
      ["head/kernel", kernel],
      ["head/bias", bias],
    ]);
  } finally {
    await features.dispose();
  }
}

/** The epochs after which stages begin to learn; a stage without tuned parameters takes no turn. */
function beginnings(tuned: readonly (readonly string[])[], unfreezing: Unfreezing | undefined): readonly number[] {
  const turns = tuned.map((_, stage) => tuned.slice(stage + 1).filter((paths) => paths.length > 0).length);
  return turns.map((turn, stage) => (tuned[stage]?.length === 0 ? 0 : turn * (unfreezing?.epochs ?? 0)));
}

function isChosen(parameters: TunedParameters, path: string, { weights, added }: TrainableBackbone): boolean {
  switch (parameters) {
    case "all":
      return true;
    case "biases":
      return isVector(weights.get(path));
    case "adapters":
    case "lora":
      return added.has(path);
  }
}

function shareOf(addition: AdditionName, list: readonly Parameter[], { weights }: TrainableBackbone): string {
  const counted = list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const kept = [...weights.values()].reduce((sum, { size }) => sum + size, 0);
  const share = `${((100 * counted) / kept).toPrecision(2)} %`;
  return `${addition}: ${counted.toLocaleString("en")} new parameters learn beside the head, ${share} of the ${kept.toLocaleString("en")} that stay`;
}

/** One number a channel, however it is shaped to be broadcast. */
function isVector(weight: Tensor | undefined): boolean {
  return weight !== undefined && weight.size === Math.max(1, ...weight.shape);
}

/** Matches these paths and no others. */
function exactly(paths: readonly string[]): RegExp {
  return new RegExp(`^(?:${paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})$`);
}
