import type { Backbone } from "../backbones/onnxBackbone.ts";
import type { Tensor } from "../base/tensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Split } from "../data/split.ts";
import type { Augmentation } from "../image/augmentation.ts";
import type { Loss } from "../nn/loss.ts";
import type { Network } from "../nn/network.ts";
import type { ParameterOverrides } from "../optim/groups.ts";
import type { Optimizer } from "../optim/rule.ts";
import type { Schedule } from "../optim/schedules.ts";
import type { Platform } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import type { FitEvent } from "../train/fit.ts";
import type { Measure } from "../train/measures.ts";
import type { Recipe } from "../train/step.ts";
import type { FeatureCache } from "./featureCache.ts";
import type { HeadTarget } from "./headTargets.ts";
import type { Mixing } from "./mixing.ts";

/** Ways to make a classifier out of a data set, by the help of a pretrained network or without. */
export const strategyNames = [
  "feature-extraction",
  "fine-tune",
  "scratch",
  "distil",
  "instance-transfer",
  "multi-task",
] as const;
export type StrategyName = (typeof strategyNames)[number];

/** Classifiers on frozen features. */
export const headNames = ["linear", "mlp", "prototype", "cosine", "knn"] as const;
export type HeadName = (typeof headNames)[number];
/** Those that learn by steps; the others are solved. */
export const steppedHeads: readonly HeadName[] = ["mlp", "cosine"];

export type StrategyEvent =
  | FitEvent
  | { readonly type: "note"; readonly text: string }
  | {
      readonly type: "progress";
      readonly phase: string;
      readonly unit?: "steps";
      readonly done: number;
      readonly total: number;
    };

/** What a strategy is given. */
export interface TransferJob {
  readonly images: PreparedImages;
  readonly split: Split;
  readonly classes: number;
  /** How much each class counts; the same without. */
  readonly classWeights: readonly number[] | undefined;
  readonly augmentation: Augmentation;
  readonly mixing: Mixing;
  /** The update rule that was asked for, at these rates. */
  optimizer(rates: { readonly learningRate: number; readonly groups?: ParameterOverrides[] }): Optimizer;
  readonly learningRate: number;
  readonly seed: number;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/** A job with a pretrained network. */
export interface BackboneJob extends TransferJob {
  readonly backbone: Backbone;
  /** Of the linear head; without, cross-validation chooses it. */
  readonly penalty?: number | undefined;
  /** Where its features lie; opened and disposed of by whoever carries out many jobs. Default: the job's own. */
  readonly features?: FeatureCache | undefined;
}

/** Values by parameter path. */
export type Weights = ReadonlyMap<string, Tensor>;

export interface Learning {
  readonly recipe: Recipe;
  readonly schedule: Schedule;
  /** The data of some images with the targets that the recipe's loss asks for, where these are more than labels. */
  taught?(data: TrainingData, indices: readonly number[], isTraining: boolean): TrainingData;
}

/** What a network is measured by while it learns. */
export interface Evaluation {
  readonly loss: Loss;
  readonly measures: readonly Measure[];
  /** The data of some images with the targets that loss and measures ask for. */
  taught(data: TrainingData, indices: readonly number[], isTraining: boolean): TrainingData;
}

/** What a strategy makes of a job: a network, what it learns from, and where it begins. */
export interface TransferPlan {
  readonly network: Network;
  /** What stays as it is in front of the network; nothing where the network takes pixels. */
  readonly backbone: Backbone | undefined;
  /** Some images as the network takes them: with their augmentation, where they are trained on. */
  data(indices: readonly number[], isTraining: boolean): TrainingData;
  /** The weights to begin with, or how they are found; those to end with, where nothing is left to learn. */
  readonly initial: Weights | (() => Promise<Weights>) | (() => AsyncGenerator<StrategyEvent, Weights>);
  /** What is learned by steps; nothing where `initial` is the optimum. */
  readonly learning: Learning | undefined;
  /** The network as it is saved, with its weights, where it is a simpler one than what learned. */
  served?(weights: Weights): { readonly network: Network; readonly weights: Weights };
  /** Class labels are measured by cross-entropy and accuracy where it says nothing else. */
  readonly evaluation?: Evaluation;
  /** What stands side by side in the network's output, where that is more than the probabilities of one label. */
  readonly targets?: readonly HeadTarget[];
  dispose(): Promise<void>;
}
