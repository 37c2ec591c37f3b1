import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { limitPixels } from "../data/imageTensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Source } from "../data/source.ts";
import type { Split } from "../data/split.ts";
import type { Preparation } from "../image/prepare.ts";
import { optimizers } from "../optim/optimizers.ts";
import type { Platform } from "../platform/platform.ts";
import { behaviourPenalty, channelAttention } from "../transfer/delta.ts";
import { distil } from "../transfer/distil.ts";
import type { FeatureCache } from "../transfer/featureCache.ts";
import { featureExtraction } from "../transfer/featureExtraction.ts";
import { fineTune, headOnFeatures } from "../transfer/fineTune.ts";
import { instanceTransfer, usualWeighting } from "../transfer/instanceTransfer.ts";
import { scratch } from "../transfer/scratch.ts";
import type { BackboneJob, StrategyName, TransferJob, TransferPlan, Weights } from "../transfer/strategy.ts";
import { parseAugmentation } from "./augmentOption.ts";
import { beginAt, type EarlierRun } from "./earlierRun.ts";
import { checkMultiTask, tuningOf } from "./multiTaskInput.ts";
import { multiTaskPlan } from "./multiTaskPlan.ts";
import { openSourceImages, refuseStraySource } from "./sourceImages.ts";
import type { TaskEvent } from "./task.ts";
import { openTeacher } from "./teacher.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";
import { tuningFlagOf, unfreezingOf } from "./tuningOptions.ts";

/** Epochs without a better validation loss before training ends: a third of all, as most of the gain comes once the learning rate has fallen. */
export function patienceOf(epochs: number): number {
  return Math.max(5, Math.ceil(epochs / 3));
}

/** All that a run is made of. */
export interface Job {
  readonly input: TrainInput;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  /** When the work began, by the platform's clock. */
  readonly startMs: number;
  readonly source: Source;
  readonly images: PreparedImages;
  readonly split: Split;
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  readonly classWeights: readonly number[] | undefined;
  /** With the weights of the earlier run where there is one. */
  readonly backbone: Backbone | undefined;
  readonly earlier: EarlierRun | undefined;
  /** Shared by many trainings; without, each opens its own. */
  readonly features?: FeatureCache;
}

/** What a strategy learns with. */
export interface Settings {
  readonly strategy: StrategyName;
  readonly epochs: number;
  readonly learningRate: number;
  readonly augment: string;
}

export const smallMoves = "rotationRange=10,widthShiftRange=0.1,heightShiftRange=0.1,zoomRange=0.15";

const defaults: Record<StrategyName, Omit<Settings, "strategy">> = {
  "feature-extraction": { epochs: 30, learningRate: 1e-3, augment: "none" },
  "fine-tune": {
    epochs: 12,
    learningRate: 3e-4,
    augment: smallMoves,
  },
  scratch: { epochs: 30, learningRate: 1e-3, augment: "none" },
  distil: { epochs: 60, learningRate: 1e-3, augment: smallMoves },
  "instance-transfer": { epochs: 1, learningRate: 1e-3, augment: "none" },
  "multi-task": { epochs: 30, learningRate: 1e-3, augment: "none" },
};

/** Of a pretrained student: twice and a half what fine-tuning takes, as a teacher is worth following for long (Beyer et al. 2022). */
const taughtEpochs = 30;

/** What the user said, and for the rest the strategy's own defaults. */
export function settingsOf(input: TrainInput, strategy: StrategyName): Settings {
  const { epochs, learningRate, augment, backbone } = input;
  const isTuned =
    (strategy === "distil" && backbone !== undefined) || (strategy === "multi-task" && tuningOf(input).kind === "all");
  const usual = defaults[isTuned ? "fine-tune" : strategy];
  const own = isTuned && strategy === "distil" ? { ...usual, epochs: taughtEpochs } : usual;
  return {
    strategy,
    epochs: epochs ?? own.epochs,
    learningRate: learningRate ?? own.learningRate,
    augment: augment ?? own.augment,
  };
}

/** The strategy that is asked for, or that fits best. Throws `usage` where it does not fit the backbone or other options. */
export function strategyOf(input: TrainInput): StrategyName | "auto" {
  const strategy = fitting(input);
  refuseStraySource(input, strategy);
  checkMultiTask(input, strategy === "multi-task");
  if (input.penalty !== undefined && !solvesLinearHead(input, strategy)) {
    throw new GraftError("usage", "--penalty is for the linear head on a backbone's features. Leave it out.");
  }
  if (input.features !== undefined && input.backbone === undefined) {
    throw new GraftError("usage", "--features is for those of a --backbone. Name one, or leave it out.");
  }
  const tunes =
    strategy === "auto" ||
    strategy === "fine-tune" ||
    (strategy === "distil" && input.backbone !== undefined) ||
    (strategy === "multi-task" && tuningOf(input).kind === "all");
  const useless = tunes ? undefined : tuningFlagOf(input);
  if (useless !== undefined) {
    throw new GraftError(
      "usage",
      `${useless} is for fine-tuning a --backbone, which --strategy ${strategy} does not do here. Leave it out.`,
    );
  }
  const stray = strategy === "distil" ? undefined : teachingFlagOf(input);
  if (stray !== undefined) {
    throw new GraftError("usage", `${stray} is for learning from a --teacher. Name one, or leave it out.`);
  }
  const mixes = input.mixup > 0 ? "--mixup" : input.cutmix > 0 ? "--cutmix" : undefined;
  if (mixes === undefined || strategy === "auto" || strategy === "fine-tune" || strategy === "scratch") return strategy;
  throw new GraftError("usage", `${mixes} is for --strategy fine-tune and scratch, not ${strategy}. Leave it out.`);
}

/** What was said about learning from a teacher. */
function teachingFlagOf(input: TrainInput): string | undefined {
  const usual = trainSchema.parse({});
  if (input.matchFeatures !== usual.matchFeatures) return "--match-features";
  if (input.temperature !== usual.temperature) return "--temperature";
  return input.teacherShare === usual.teacherShare ? undefined : "--teacher-share";
}

/** Fine-tuning begins at a linear head, whatever `--head` says. */
function solvesLinearHead({ backbone, head }: TrainInput, strategy: StrategyName | "auto"): boolean {
  return backbone !== undefined && (head === "linear" || strategy === "fine-tune" || strategy === "distil");
}

function fitting(input: TrainInput): StrategyName | "auto" {
  const { strategy = implied(input), backbone, teacher } = input;
  if (teacher !== undefined && strategy !== undefined && strategy !== "distil") {
    throw new GraftError("usage", `--teacher is for --strategy distil, not ${strategy}. Leave one of them out.`);
  }
  if (teacher !== undefined) return "distil";
  if (strategy === "distil") {
    throw new GraftError(
      "usage",
      "--strategy distil needs a trained classifier to learn from: give its run folder with --teacher.",
    );
  }
  if (strategy === undefined) return backbone === undefined ? "scratch" : "auto";
  if (strategy !== "scratch" && backbone === undefined) {
    throw new GraftError("usage", `--strategy ${strategy} needs a pretrained network: give it with --backbone.`);
  }
  if (strategy === "scratch" && backbone !== undefined) {
    throw new GraftError("usage", '--strategy scratch starts without pretrained weights: leave out "--backbone".');
  }
  return strategy;
}

/** What a data set beside the images' own classes asks for. */
function implied({ teacher, targets, source }: TrainInput): StrategyName | undefined {
  if (teacher !== undefined) return undefined;
  if (targets !== undefined) return "multi-task";
  return source === undefined ? undefined : "instance-transfer";
}

/** The job as strategies see it. */
export function transferJob(job: Job, settings: Settings): TransferJob & Pick<BackboneJob, "penalty" | "features"> {
  const { input, images, split, classWeights, platform, signal, features } = job;
  const { averageDecay, mixup, cutmix, seed } = input;
  const averaged = averageDecay === undefined ? {} : { averageDecay };
  return {
    images,
    split,
    classes: job.labels.length,
    classWeights,
    augmentation: parseAugmentation(settings.augment),
    mixing: { mixup, cutmix },
    optimizer: (rates) => optimizers[input.optimizer]({ ...rates, ...averaged }),
    learningRate: settings.learningRate,
    seed,
    penalty: input.penalty,
    features,
    platform,
    signal,
  };
}

/** What the strategy makes of the job; fine-tuning begins at `solvedHead` where one is at hand. */
export async function* planOf(
  job: Job,
  settings: Settings,
  solvedHead?: Weights,
): AsyncGenerator<TaskEvent, TransferPlan> {
  const { input, platform, backbone } = job;
  const transfer = transferJob(job, settings);
  switch (settings.strategy) {
    case "scratch":
      return yield* beginAt(job.earlier, scratch(transfer), job.labels);
    case "feature-extraction":
      return yield* featureExtraction({ ...transfer, backbone: needed(backbone) }, input.head);
    case "fine-tune":
      return yield* tuningPlan({ ...transfer, backbone: needed(backbone) }, input, solvedHead);
    case "multi-task":
      return yield* multiTaskPlan(job, { ...transfer, backbone: needed(backbone) });
    case "distil": {
      const student =
        backbone === undefined
          ? yield* beginAt(job.earlier, scratch(transfer), job.labels)
          : yield* tuningPlan({ ...transfer, backbone }, input, undefined);
      const teacher = await openTeacher(input.teacher ?? "", job.labels, platform);
      try {
        return yield* distil(transfer, student, teacher, input);
      } finally {
        await teacher.dispose();
      }
    }
    case "instance-transfer": {
      const pool = yield* openSourceImages(job);
      return yield* instanceTransfer(
        { ...transfer, ...pool, backbone: needed(backbone) },
        input.weighting ?? usualWeighting,
      );
    }
  }
}

/** Fine-tuning as the options ask for. */
async function* tuningPlan(
  job: BackboneJob,
  { stages, l2sp, parameters, unfreezeEvery, batchSize, delta }: TrainInput,
  given: Weights | undefined,
): AsyncGenerator<TaskEvent, TransferPlan> {
  const unfreezing = unfreezingOf(job.split.train.length, { unfreezeEvery, batchSize });
  const tuning = { stages, l2sp, parameters, unfreezing };
  if (delta === 0) return fineTune(job, { ...tuning, solvedHead: given });
  const solvedHead = given ?? (yield* headOnFeatures(job));
  const behaviour = behaviourPenalty(job.backbone, yield* channelAttention(job, solvedHead), delta);
  return fineTune(job, { ...tuning, behaviour, solvedHead });
}

/** `strategyOf` has seen to it. */
export function needed(backbone: Backbone | undefined): Backbone {
  if (backbone === undefined) throw new Error("a strategy with a backbone was begun without one");
  return backbone;
}

/** From scratch the images' own size is kept where it is small; larger ones are reduced to 128 pixels. */
export async function scratchPreparation(
  source: Source,
  size: number | undefined,
  platform: Platform,
): Promise<Preparation> {
  const side = size ?? (await typicalSide(source, platform));
  return { resizeTo: side, cropTo: side, interpolation: "bilinear" };
}

/** The shorter side of the first few images, where they agree and are small; else 128. */
async function typicalSide(source: Source, platform: Platform): Promise<number> {
  const sides: number[] = [];
  const first = new Set(source.samples.slice(0, 16).map(({ id }) => id));
  for await (const { image } of source.read(first)) {
    try {
      const { width, height } = await decodeImage(image, platform, limitPixels);
      sides.push(Math.min(width, height));
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
    }
    if (sides.length >= first.size) break;
  }
  const smallest = Math.min(128, ...sides);
  return Math.max(16, smallest);
}
