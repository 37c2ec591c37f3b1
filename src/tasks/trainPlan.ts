import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { limitPixels, type PreparedImages } from "../data/preparedImages.ts";
import type { Source } from "../data/source.ts";
import type { Split } from "../data/split.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform } from "../platform/platform.ts";
import { featureExtraction } from "../transfer/featureExtraction.ts";
import { fineTune } from "../transfer/fineTune.ts";
import { scratch } from "../transfer/scratch.ts";
import type { StrategyName, TransferJob, TransferPlan } from "../transfer/strategy.ts";
import type { TaskEvent } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";

/** Epochs without a better validation loss before training ends. */
export const patience = 5;

/** A run's input with every default in its place. */
export interface SettledInput extends TrainInput {
  readonly strategy: StrategyName;
  readonly epochs: number;
  readonly learningRate: number;
  readonly augment: string;
}

/** All that a run is made of. */
export interface Job {
  readonly input: SettledInput;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  readonly images: PreparedImages;
  readonly split: Split;
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  readonly classWeights: readonly number[] | undefined;
  readonly plan: TransferPlan;
}

const defaults: Record<StrategyName, Pick<SettledInput, "epochs" | "learningRate" | "augment">> = {
  "feature-extraction": { epochs: 30, learningRate: 1e-3, augment: "none" },
  "fine-tune": {
    epochs: 12,
    learningRate: 3e-4,
    augment: "rotationRange=10,widthShiftRange=0.1,heightShiftRange=0.1,zoomRange=0.15",
  },
  scratch: { epochs: 30, learningRate: 1e-3, augment: "none" },
};

/** The defaults that depend on the strategy, and the strategy that depends on the backbone. */
export function settledInput(input: TrainInput): SettledInput {
  const strategy = input.strategy ?? (input.backbone === undefined ? "scratch" : "feature-extraction");
  const { epochs, learningRate, augment } = defaults[strategy];
  return {
    ...input,
    strategy,
    epochs: input.epochs ?? epochs,
    learningRate: input.learningRate ?? learningRate,
    augment: input.augment ?? augment,
  };
}

/** What the strategy makes of the job. Throws `usage` where strategy and backbone do not fit. */
export async function* planOf(
  { strategy, head, stages }: SettledInput,
  job: TransferJob,
  backbone: Backbone | undefined,
): AsyncGenerator<TaskEvent, TransferPlan> {
  if (strategy === "scratch") {
    if (backbone === undefined) return scratch(job);
    throw new GraftError("usage", '--strategy scratch starts without pretrained weights: leave out "--backbone".');
  }
  if (backbone === undefined) {
    throw new GraftError("usage", `--strategy ${strategy} needs a pretrained network: give it with --backbone.`);
  }
  const given = { ...job, backbone };
  return strategy === "fine-tune" ? fineTune(given, stages) : yield* featureExtraction(given, head);
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
