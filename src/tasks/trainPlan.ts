import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { limitPixels, type PreparedImages } from "../data/preparedImages.ts";
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
import { scratch } from "../transfer/scratch.ts";
import type { BackboneJob, StrategyName, TransferJob, TransferPlan, Weights } from "../transfer/strategy.ts";
import { parseAugmentation } from "./augmentOption.ts";
import { beginAt, type EarlierRun } from "./earlierRun.ts";
import type { TaskEvent } from "./task.ts";
import { openTeacher } from "./teacher.ts";
import type { TrainInput } from "./trainInput.ts";

/** Epochs without a better validation loss before training ends. */
export const patience = 5;

/** All that a run is made of. */
export interface Job {
  readonly input: TrainInput;
  readonly platform: Platform;
  readonly signal: AbortSignal;
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
};

/** What the user said, and for the rest the strategy's own defaults. */
export function settingsOf({ epochs, learningRate, augment, backbone }: TrainInput, strategy: StrategyName): Settings {
  const own = defaults[strategy === "distil" && backbone !== undefined ? "fine-tune" : strategy];
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
  if (input.penalty !== undefined && !solvesLinearHead(input, strategy)) {
    throw new GraftError("usage", "--penalty is for the linear head on a backbone's features. Leave it out.");
  }
  const tunes =
    strategy === "auto" || strategy === "fine-tune" || (strategy === "distil" && input.backbone !== undefined);
  const useless = tunes ? undefined : tuningFlagOf(input);
  if (useless !== undefined) {
    throw new GraftError(
      "usage",
      `${useless} is for fine-tuning a --backbone, which --strategy ${strategy} does not do here. Leave it out.`,
    );
  }
  const mixes = input.mixup > 0 ? "--mixup" : input.cutmix > 0 ? "--cutmix" : undefined;
  if (mixes === undefined || strategy === "auto" || strategy === "fine-tune" || strategy === "scratch") return strategy;
  throw new GraftError("usage", `${mixes} is for --strategy fine-tune and scratch, not ${strategy}. Leave it out.`);
}

/** Fine-tuning begins at a linear head, whatever `--head` says. */
function solvesLinearHead({ backbone, head }: TrainInput, strategy: StrategyName | "auto"): boolean {
  return backbone !== undefined && (head === "linear" || strategy === "fine-tune" || strategy === "distil");
}

/** The first option given that only fine-tuning heeds. */
function tuningFlagOf({ stages, l2sp, parameters, unfreezeEvery, delta }: TrainInput): string | undefined {
  const given = {
    "--stages": stages !== undefined,
    "--l2sp": l2sp > 0,
    "--parameters": parameters !== "all",
    "--delta": delta > 0,
    "--unfreeze-every": unfreezeEvery !== undefined,
  };
  return Object.entries(given).find(([, isGiven]) => isGiven)?.[0];
}

function fitting({ strategy, backbone, teacher }: TrainInput): StrategyName | "auto" {
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

/** What the strategy makes of the job; fine-tuning begins at `solvedHead` where one is at hand. */
export async function* planOf(
  job: Job,
  settings: Settings,
  solvedHead?: Weights,
): AsyncGenerator<TaskEvent, TransferPlan> {
  const { input, images, split, classWeights, platform, signal, backbone, features } = job;
  const { strategy, learningRate } = settings;
  const { seed, averageDecay } = input;
  const averaged = averageDecay === undefined ? {} : { averageDecay };
  const optimizer: TransferJob["optimizer"] = (rates) => optimizers[input.optimizer]({ ...rates, ...averaged });
  const classes = job.labels.length;
  const augmentation = parseAugmentation(settings.augment);
  const { mixup, cutmix } = input;
  const mixing = { mixup, cutmix };
  const common = { images, split, classes, classWeights, augmentation, mixing, platform, signal };
  const transfer = { ...common, optimizer, learningRate, seed, penalty: input.penalty, features };
  switch (strategy) {
    case "scratch":
      return yield* beginAt(job.earlier, scratch(transfer), job.labels);
    case "feature-extraction":
      return yield* featureExtraction({ ...transfer, backbone: needed(backbone) }, input.head);
    case "fine-tune":
      return yield* tuningPlan({ ...transfer, backbone: needed(backbone) }, input, solvedHead);
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
  }
}

/** Fine-tuning as the options ask for. */
async function* tuningPlan(
  job: BackboneJob,
  { stages, l2sp, parameters, unfreezeEvery, batchSize, delta }: TrainInput,
  given: Weights | undefined,
): AsyncGenerator<TaskEvent, TransferPlan> {
  const stepsAnEpoch = Math.ceil(job.split.train.length / batchSize);
  const unfreezing = unfreezeEvery === undefined ? undefined : { epochs: unfreezeEvery, stepsAnEpoch };
  const tuning = { stages, l2sp, parameters, unfreezing };
  if (delta === 0) return fineTune(job, { ...tuning, solvedHead: given });
  const solvedHead = given ?? (yield* headOnFeatures(job));
  const behaviour = behaviourPenalty(job.backbone, yield* channelAttention(job, solvedHead), delta);
  return fineTune(job, { ...tuning, behaviour, solvedHead });
}

/** `strategyOf` has seen to it. */
function needed(backbone: Backbone | undefined): Backbone {
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

/** Weights that let each class count the same, n / (classes · nᵢ), when the largest has 1.5 times the images of the smallest or more. */
export function balancingWeights(labels: readonly number[], classes: number): readonly number[] | undefined {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.filter((count) => count > 0);
  if (Math.max(...present) < 1.5 * Math.min(...present)) return undefined;
  return counts.map((count) => (count === 0 ? 0 : labels.length / (present.length * count)));
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
