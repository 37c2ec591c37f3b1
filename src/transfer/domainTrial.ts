import type { Backbone } from "../backbones/onnxBackbone.ts";
import type { Rows } from "../base/rows.ts";
import type { Layer } from "../nn/layer.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import type { Engine } from "../platform/platform.ts";
import { arrays, type TrainingData } from "../train/data.ts";
import { Evaluator } from "../train/evaluator.ts";
import type { EpochLog } from "../train/progress.ts";
import { TrainingState } from "../train/state.ts";
import type { Weights } from "./strategy.ts";

const rowsAtOnce = 256;
const imagesAtOnce = 64;

/** Features of a frozen backbone: a labelled source, part of it held out, and a target whose labels nobody asks for. */
export interface DomainFeatures {
  readonly source: Rows;
  readonly labels: Int32Array;
  /** The fold of each source row in cross-validation. */
  readonly folds: Int32Array;
  readonly held: Rows;
  readonly heldLabels: Int32Array;
  readonly target: Rows;
  readonly classes: number;
  readonly classWeights: readonly number[] | undefined;
}

/** A classifier that a method made for the target. */
export interface DomainTrial {
  readonly method: string;
  readonly setting: string;
  /** What its network takes of an image: what the backbone makes of it, or its pixels. */
  readonly takes: "features" | "pixels";
  /** How many classes it tells apart: those of the source, and where a method finds images of others the unknown one after them. */
  readonly classes: number;
  /** Of target images, where the method changed it. */
  readonly backbone?: Backbone;
  /** From a target image to probabilities. */
  readonly network: Network;
  readonly weights: Weights;
  /** Where its head judges: the rows of each domain by the way of each. */
  readonly space: { readonly source: Rows; readonly held: Rows; readonly target: Rows };
  /** Row by row; held-out source images by the source's way. */
  readonly probabilities: { readonly held: Float32Array; readonly target: Float32Array };
  /** Of those that learn by steps. */
  readonly history: readonly EpochLog[];
}

/** What layers with these weights give for each row. */
export async function applyLayers(
  layers: readonly Layer[],
  weights: Weights,
  rows: Rows,
  engine: Engine,
): Promise<Float32Array> {
  return (await rowsOf(layers, weights, dataOf(rows, new Int32Array(rows.count)), engine)).floats;
}

/** What layers with these weights give for each sample, [N, width]. */
export async function rowsOf(
  layers: readonly Layer[],
  weights: Weights,
  data: TrainingData,
  engine: Engine,
): Promise<Rows & { readonly floats: Float32Array }> {
  const network = sequentialNetwork(layers, data.inputShape);
  const evaluator = new Evaluator(network, engine);
  const atOnce = data.inputShape.length === 1 ? rowsAtOnce : imagesAtOnce;
  try {
    const { floats } = await evaluator.predict(data, new TrainingState(weights), atOnce);
    return { values: floats, floats, count: data.count, width: floats.length / data.count };
  } finally {
    await evaluator.dispose();
  }
}

/** Rows with a class index each, as training data. */
export function dataOf({ values, width }: Rows, labels: Int32Array): TrainingData {
  return arrays({ x: Float32Array.from(values), y: labels, inputShape: [width] });
}
