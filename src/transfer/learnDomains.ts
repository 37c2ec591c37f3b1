import { domainLoss, targetRow, targetWidth } from "../adapt/losses/domainBatch.ts";
import { mmd } from "../adapt/mmd.ts";
import { proxyADistance } from "../adapt/proxyADistance.ts";
import { sharedLayer, type TrainedMethod, type TrainedMethodName, trainedMethods } from "../adapt/trainedMethods.ts";
import type { Compute } from "../algebra/compute.ts";
import { rowsAt, stacked } from "../algebra/matrix.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { dense } from "../nn/denseLayers.ts";
import { input } from "../nn/layer.ts";
import { functionalNetwork, type Network, sequentialNetwork } from "../nn/network.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import type { TrainingData } from "../train/data.ts";
import { type FitEvent, fit } from "../train/fit.ts";
import { argMax } from "../train/measures.ts";
import { type EpochLog, freshProgress } from "../train/progress.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { headLayer } from "./alignFeatures.ts";
import { applyLayers, type DomainFeatures, type DomainTrial, dataOf } from "./domainTrial.ts";
import type { ScaledDomains } from "./scaling.ts";

const sharedUnits = 256;
const folds = 5;
/** Rows of each domain that the domains' distance is measured on after an epoch, at most. */
const measuredRows = 500;

export interface DomainLearning {
  readonly epochs: number;
  /** Of which one half is of each domain. */
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly nowMs: () => number;
}

/**
 * Learns a layer that the domains share and a classifier on it, from batches of which one half is of each domain: source images by their labels, all
 * by the method's term. Every epoch logs how well a linear classifier tells the domains apart there, and their discrepancy. Throws `interrupted`.
 */
export async function* learnDomains(
  domains: ScaledDomains,
  method: TrainedMethodName,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<FitEvent, DomainTrial> {
  const { features } = domains;
  const { engine, signal } = compute;
  const { epochs, batchSize, seed, nowMs } = settings;
  const way = trainedMethods[method];
  const network = networkOf(way, features);
  const plan = {
    recipe: {
      network,
      loss: domainLoss(method, features.classes, way.term),
      optimizer: adam({ learningRate: settings.learningRate }),
      trainable: network.parameters.trainable,
    },
    train: mixedData(features, way, epochs),
    validation: undefined,
    epochs,
    batchSize,
    seed,
    schedule: cosineSchedule(),
    classWeights: undefined,
    measures: [],
    callbacks: [],
  };
  const state = new TrainingState(initialTensors(network.parameters, seed));
  const history: EpochLog[] = [];
  for await (const event of fit(plan, state, { engine, nowMs, signal }, freshProgress())) {
    if (event.type === "interrupted")
      throw new GraftError("interrupted", "stopped while domains were being learned; nothing was kept.");
    if (event.type !== "epoch") {
      yield event;
      continue;
    }
    const log = { ...event.log, ...(await measured(features, state, seed, compute)) };
    history.push(log);
    yield { ...event, log };
  }
  return trialOf(domains, method, state, history, compute);
}

function networkOf({ auxiliary }: TrainedMethod, { source, classes }: DomainFeatures): Network {
  const shared = sharedDense()(input([source.width]));
  const answers = headLayer(classes)(shared);
  return functionalNetwork(answers, auxiliary === undefined ? [] : [auxiliary(shared, answers, classes)]);
}

/** The layer that domains share. */
export function sharedDense() {
  return dense(sharedUnits, { activation: "relu", name: sharedLayer });
}

/** Source rows, then target rows; an epoch is all of the larger domain, and of the smaller as many. */
function mixedData(features: DomainFeatures, { strength }: TrainedMethod, epochs: number): TrainingData {
  const { source, target, labels, classes, classWeights } = features;
  const width = targetWidth(classes);
  const targetsOf = (epoch: number) => {
    const lambda = strength(epochs < 2 ? 1 : epoch / (epochs - 1));
    const values = new Float32Array((source.count + target.count) * width);
    for (let i = 0; i < source.count + target.count; i++) {
      const label = labels[i];
      const weight = label === undefined ? 1 : classWeights?.[label];
      values.set(targetRow(classes, label, lambda, weight), i * width);
    }
    return { kind: "values", width, values } as const;
  };
  return {
    ...dataOf(stacked(source, target), new Int32Array(source.count + target.count)),
    targets: targetsOf(0),
    targetsOf,
    order: (seed, epoch) => mixedOrder(source.count, target.count, seed, epoch),
  };
}

/** Source and target by turns, so that every batch of even size is half and half; the smaller domain is shuffled anew when it is through. */
export function mixedOrder(source: number, target: number, seed: number, epoch: number): Uint32Array {
  const length = Math.max(source, target);
  const drawn = (name: string, count: number) => {
    const rounds = Math.ceil(length / count);
    const random = Array.from({ length: rounds }, (_, round) => stream(seed, name, epoch, round).permutation(count));
    return (at: number) => random[Math.floor(at / count)]?.[at % count] ?? 0;
  };
  const [ofSource, ofTarget] = [drawn("source order", source), drawn("target order", target)];
  return Uint32Array.from({ length: 2 * length }, (_, at) =>
    at % 2 === 0 ? ofSource(at >> 1) : source + ofTarget(at >> 1),
  );
}

/** What an epoch came to. */
async function measured(features: DomainFeatures, state: TrainingState, seed: number, compute: Compute) {
  const { held, heldLabels, classes } = features;
  const shared = {
    source: await sharedRows(spread(features.source), state, compute),
    target: await sharedRows(spread(features.target), state, compute),
  };
  const distance = await proxyADistance(
    shared,
    { folds: Math.min(folds, shared.source.count, shared.target.count), seed },
    compute,
  );
  const answers = await applyLayers([sharedDense(), headLayer(classes)], state.current, held, compute.engine);
  const right = heldLabels.filter((label, i) => argMax(answers, i * classes, classes) === label).length;
  return {
    source_accuracy: right / held.count,
    domain_accuracy: 0.5 + distance / 4, // 1 − ε of the distance 2(1 − 2ε)
    discrepancy: await mmd(shared, { kernel: { kind: "multi" }, estimator: "biased" }, compute),
  };
}

async function trialOf(
  domains: ScaledDomains,
  method: TrainedMethodName,
  state: TrainingState,
  history: readonly EpochLog[],
  compute: Compute,
): Promise<DomainTrial> {
  const { source, held, target, classes } = domains.features;
  const space = {
    source: await sharedRows(source, state, compute),
    held: await sharedRows(held, state, compute),
    target: await sharedRows(target, state, compute),
  };
  const head = [headLayer(classes)];
  const network = sequentialNetwork([domains.layer, sharedDense(), ...head], [target.width]);
  const learned = network.parameters.list.flatMap(({ path }) => {
    const tensor = state.current.get(path);
    return tensor === undefined ? [] : [[path, tensor] as const];
  });
  return {
    method,
    setting: "",
    network,
    weights: new Map([...domains.weights, ...learned]),
    space,
    probabilities: {
      held: await applyLayers(head, state.current, space.held, compute.engine),
      target: await applyLayers(head, state.current, space.target, compute.engine),
    },
    history,
  };
}

/** What the shared layer makes of rows. */
async function sharedRows(rows: Rows, state: TrainingState, { engine }: Compute): Promise<Rows> {
  const values = await applyLayers([sharedDense()], state.current, rows, engine);
  return { values, count: rows.count, width: sharedUnits };
}

/** So many rows at most, evenly spaced. */
function spread(rows: Rows): Rows {
  if (rows.count <= measuredRows) return rows;
  return rowsAt(
    rows,
    Uint32Array.from({ length: measuredRows }, (_, i) => Math.floor((i * rows.count) / measuredRows)),
  );
}
