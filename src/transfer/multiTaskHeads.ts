import type { Tensor } from "../base/tensor.ts";
import { dense, dropout } from "../nn/denseLayers.ts";
import { input, type Layer, type SymbolicTensor } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import { meanSquaredError, sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { concatenate } from "../nn/mergeLayers.ts";
import { columnsPerTask, multiTaskLoss, taskUncertainty } from "../nn/multiTaskLoss.ts";
import { functionalNetwork, type Network } from "../nn/network.ts";
import { rescaling } from "../nn/normalisationLayers.ts";
import { argMax, type Measure } from "../train/measures.ts";
import { type HeadTarget, offsetsOf, widthOf } from "./headTargets.ts";

/** How losses are weighed against each other: by the numbers that were given, or by uncertainty that is learned (Kendall et al. 2018). */
export const taskWeightings = ["fixed", "uncertainty"] as const;
export type TaskWeightingName = (typeof taskWeightings)[number];

const uncertaintyLayer = "uncertainty";
/** Of the layer that learns how uncertain each task is. */
export const logVariancePath: string = `${uncertaintyLayer}/logVariance`;
const hiddenUnits = 256;
/** Probabilities below count as this much. */
const epsilon = 1e-7;

/** The layer with a target's parameters, which gives probabilities or a standardised number. */
export function headLayer({ name }: Pick<HeadTarget, "name">): string {
  return `head.${name}`;
}

/** The layer that gives what is served: probabilities, or the number in its own unit. */
export function answerLayer({ kind, name }: Pick<HeadTarget, "kind" | "name">): string {
  return kind === "classes" ? headLayer({ name }) : `value.${name}`;
}

export interface HeadsOptions {
  /** What all heads share, in the order of the network. */
  readonly shared: readonly Layer[];
  readonly weighting: TaskWeightingName;
}

/** A layer that all heads may share on frozen features. */
export function sharedHidden(): readonly Layer[] {
  return [dense(hiddenUnits, { activation: "relu" }), dropout(0.5)];
}

/** A head for each target behind what they share; all answers side by side, numbers in their own units. */
export function multiTaskNetwork(
  targets: readonly HeadTarget[],
  inputShape: readonly number[],
  { shared, weighting }: HeadsOptions,
): Network {
  let features: SymbolicTensor = input(inputShape);
  for (const layer of shared) features = layer(features);
  const answers = targets.map((target) => {
    const name = headLayer(target);
    if (target.kind === "classes") return dense(target.labels.length, { activation: "softmax", name })(features);
    const { deviation, mean } = target;
    return rescaling(deviation, { offset: mean, name: answerLayer(target) })(dense(1, { name })(features));
  });
  const [first = features, ...more] = answers;
  const output = more.length === 0 ? first : concatenate({ name: "answers" })(first, ...more);
  const learned = taskUncertainty(targets.length, { name: uncertaintyLayer });
  return functionalNetwork(output, weighting === "uncertainty" ? [learned(features)] : []);
}

/** The loss of all heads together. */
export function lossOfTargets(
  targets: readonly HeadTarget[],
  weighting: TaskWeightingName,
  labelSmoothing: number,
): Loss {
  const tasks = targets.map((target) => {
    const layer = headLayer(target);
    return target.kind === "classes"
      ? ({ layer, loss: sparseCategoricalCrossentropy({ labelSmoothing }), likelihood: "softmax" } as const)
      : ({ layer, loss: meanSquaredError(), likelihood: "normal" } as const);
  });
  return multiTaskLoss(
    tasks,
    weighting === "uncertainty"
      ? { kind: "uncertainty", layer: uncertaintyLayer }
      : { kind: "fixed", weights: targets.map(({ weight }) => weight) },
  );
}

/** What a learned log σ² makes a target's loss count: the factor before it. */
export function learnedWeight({ kind }: Pick<HeadTarget, "kind">, logVariance: number): number {
  return (kind === "number" ? 0.5 : 1) * Math.exp(-logVariance);
}

/** Of each target its own loss, and accuracy or mean absolute error, over the images whose label is known. Keras' names: `kind_loss`, `kind_accuracy`. */
export function measuresOf(targets: readonly HeadTarget[]): readonly Measure[] {
  const offsets = offsetsOf(targets);
  return targets.flatMap((target, t) => {
    const at = { task: t, offset: offsets[t] ?? 0 };
    if (target.kind === "classes") {
      return [
        measure(`${target.name}_loss`, at, (row, truth) => -Math.log(Math.max(epsilon, row(truth)))),
        measure(`${target.name}_accuracy`, at, (row, truth) => {
          const probabilities = Array.from({ length: widthOf(target) }, (_, c) => row(c));
          return Number(argMax(probabilities, 0, probabilities.length) === truth);
        }),
      ];
    }
    const { mean, deviation, name } = target;
    const errorOf = (row: Row, truth: number) => (row(0) - mean) / deviation - truth;
    return [
      measure(`${name}_loss`, at, (row, truth) => errorOf(row, truth) ** 2),
      measure(`${name}_mae`, at, (row, truth) => deviation * Math.abs(errorOf(row, truth))),
    ];
  });
}

/** The numbers of one target in the output for one sample. */
type Row = (column: number) => number;

function measure(
  name: string,
  { task, offset }: { readonly task: number; readonly offset: number },
  of: (row: Row, truth: number) => number,
): Measure {
  return {
    name,
    sum(predictions, targets) {
      const width = rowWidth(predictions);
      let sum = 0;
      for (const { row, truth } of knownOf(targets, task)) {
        sum += of((column) => predictions.floats[row * width + offset + column] ?? Number.NaN, truth);
      }
      return sum;
    },
    count: (targets) => knownOf(targets, task).length,
  };
}

/** The rows with a label for this task. */
function knownOf(targets: Tensor, task: number): readonly { readonly row: number; readonly truth: number }[] {
  const width = rowWidth(targets);
  const { floats } = targets;
  return Array.from({ length: targets.shape[0] ?? 0 }, (_, row) => ({ row, at: row * width + columnsPerTask * task }))
    .filter(({ at }) => (floats[at + 1] ?? 0) > 0)
    .map(({ row, at }) => ({ row, truth: floats[at] ?? 0 }));
}

function rowWidth({ size, shape }: Tensor): number {
  return size / (shape[0] ?? 1);
}
