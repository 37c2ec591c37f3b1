import { type AdditionName, additionNames, mergedLora } from "../backbones/additions.ts";
import { backboneName, type TrainableBackbone, trainableBackbone } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { sizeOf, type Tensor } from "../base/tensor.ts";
import { initialTensors } from "../nn/initialTensors.ts";
import type { Layer } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import type { Network } from "../nn/network.ts";
import type { Parameter } from "../nn/scope.ts";
import type { ParameterOverrides } from "../optim/groups.ts";
import { cosineSchedule, warmUp } from "../optim/schedules.ts";
import type { BackboneJob, Learning, StrategyEvent, TransferPlan, Weights } from "./strategy.ts";

/** The learning rate of a stage over that of the stage after it. */
const stageDecay = 0.8;
/** Steps in which the learning rate rises, so that the first batches do not undo what was learned before. */
const warmUpSteps = 50;

/** What fine-tuning changes in a stage: everything, only biases and the scales of normalisation, or only what is added to it. */
export const tunedParameters = ["all", "biases", ...additionNames] as const;
export type TunedParameters = (typeof tunedParameters)[number];

/** Stages begin to learn one after another, from the last (gradual unfreezing; Howard & Ruder 2018, §3.3). */
export interface Unfreezing {
  /** Between two of them. */
  readonly epochs: number;
  readonly stepsAnEpoch: number;
}

export interface TuningOptions {
  /** How many of the last stages learn; a stage is what works at one size of the maps. Default: all */
  readonly stages?: number | undefined;
  /** How strongly the pretrained weights pull back; see `StartingPoint`. Default: not at all */
  readonly l2sp?: number | undefined;
  /**
   * `biases` leaves all kernels as they are (BitFit, Ben Zaken et al. 2022; Frankle, Schwab & Morcos 2021), `adapters` and `lora` leave
   * all weights and train additions to them. Default: all
   */
  readonly parameters?: TunedParameters | undefined;
  /** When earlier stages begin to learn; the last one does at once. Default: all do */
  readonly unfreezing?: Unfreezing | undefined;
  /** What holds the network to how it behaved, such as `behaviourPenalty`. Default: nothing */
  readonly behaviour?: Loss | undefined;
}

/** A pretrained network that learns on, in front of whatever heads. */
export interface TunedBackbone {
  /** Pixels of 0–255 in, features [N, width] out. */
  readonly layer: Layer;
  /** Where it begins in `network`: the pretrained values, and what is added; says what learns, and when. */
  initial(network: Network): Generator<StrategyEvent, Weights>;
  /** How `network`, which begins with `layer`, learns; `groups` are of parameters behind it. */
  learning(network: Network, loss: Loss, groups?: readonly ParameterOverrides[]): Learning;
  /** What is saved, where that is a simpler network than what learned; `networkOf` builds it on a layer. */
  served(networkOf: (layer: Layer) => Network): Pick<TransferPlan, "served">;
}

/**
 * Earlier stages learn more slowly (Howard & Ruder 2018, §3.2); batch normalisation keeps its statistics.
 * Throws `model` when nothing of the backbone would learn.
 */
export function tunedBackbone(
  job: Pick<BackboneJob, "backbone" | "learningRate" | "optimizer" | "seed">,
  { stages = Number.POSITIVE_INFINITY, l2sp = 0, parameters = "all", unfreezing, behaviour }: TuningOptions,
): TunedBackbone {
  const { backbone, learningRate, seed } = job;
  const addition = parameters === "adapters" || parameters === "lora" ? parameters : undefined;
  const trainable = trainableBackbone(backbone, backboneName, addition);
  const last = Math.max(...trainable.stages.values());
  const isTuned = (path: string, stage: number) => last - stage < stages && isChosen(parameters, path, trainable);
  const tuned = Array.from({ length: last + 1 }, (_, stage) =>
    [...trainable.stages].filter(([path, own]) => own === stage && isTuned(path, own)).map(([path]) => path),
  );
  const begins = beginnings(tuned, unfreezing);
  const ofStages: readonly ParameterOverrides[] = tuned.map((paths, stage) => ({
    paths: exactly(paths),
    learningRate: learningRate * stageDecay ** (last - stage),
    frozenSteps: (begins[stage] ?? 0) * (unfreezing?.stepsAnEpoch ?? 0),
  }));
  const kept = [...trainable.stages].filter(([path, stage]) => !isTuned(path, stage)).map(([path]) => path);
  if (kept.length === trainable.stages.size) {
    throw new GraftError(
      "model",
      `"${backbone.name}" has no biases or scales of normalisation in the stages to be trained. Train all its parameters, or more stages.`,
    );
  }
  return {
    layer: trainable.layer,
    *initial(network) {
      const lastBegins = Math.max(...begins);
      if (lastBegins > 0) {
        const text = `${new Set(begins).size} stages begin to learn one after another, from the last: all from epoch ${lastBegins + 1} on`;
        yield { type: "note", text };
      }
      const list = network.parameters.list.filter(({ path }) => trainable.added.has(path));
      if (addition !== undefined) yield { type: "note", text: shareOf(addition, list, trainable) };
      return new Map([...initialTensors({ list }, seed), ...trainable.weights]);
    },
    learning: (network, loss, groups = []) => ({
      recipe: {
        network,
        loss,
        optimizer: job.optimizer({
          learningRate,
          groups: [...ofStages, { paths: exactly(kept), frozen: true }, ...groups],
        }),
        trainable: network.parameters.trainable,
        statistics: "frozen",
        penalty: behaviour,
        ...(l2sp === 0 ? {} : { startingPoint: { weights: trainable.weights, strength: l2sp } }),
      },
      schedule: warmUp(warmUpSteps, cosineSchedule()),
    }),
    served(networkOf) {
      if (addition !== "lora") return {};
      const { layer } = trainableBackbone(backbone);
      return { served: (weights) => ({ network: networkOf(layer), weights: mergedLora(weights) }) };
    },
  };
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
