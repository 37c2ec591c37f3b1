import { centroidLabels } from "../adapt/centroidLabels.ts";
import { sourceHypothesisLoss } from "../adapt/losses/sourceHypothesis.ts";
import type { Compute } from "../algebra/compute.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import type { Layer } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import type { Parameter } from "../nn/scope.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import type { TrainingData } from "../train/data.ts";
import { type FitEvent, fit } from "../train/fit.ts";
import { type EpochLog, freshProgress } from "../train/progress.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { headLayer } from "./alignFeatures.ts";
import { applyLayers, type DomainTrial, dataOf } from "./domainTrial.ts";
import { type DomainLearning, sharedDense } from "./learnDomains.ts";
import type { ScaledDomains } from "./scaling.ts";
import { hypothesisIn, type SourceHypothesis } from "./sourceHypothesis.ts";
import type { Weights } from "./strategy.ts";

/** Of the source's labels, so that the classifier's features form tight clusters (Liang, Hu & Feng 2020, eq. 1). */
const labelSmoothing = 0.1;

/** What the target made of a source's classifier. */
export interface SourceFree {
  readonly network: Network;
  readonly weights: Weights;
  /** The target's rows where the classifier judges, and its answers. */
  readonly space: Rows;
  readonly probabilities: Float32Array;
  readonly history: readonly EpochLog[];
}

/**
 * SHOT (Liang, Hu & Feng 2020): the source's classifier stays, and what is before it learns from target images alone, so that answers are sure, diverse and
 * agree with the nearest class centroid, which is found anew for every epoch. Logs how many labels changed. Throws `interrupted`.
 */
export async function* learnSourceFree(
  { extractor, learns, head, weights }: SourceHypothesis,
  target: Rows,
  classes: number,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<FitEvent, SourceFree> {
  const network = sequentialNetwork([...extractor, head], [target.width]);
  const state = new TrainingState(weights);
  const seen = async () => {
    const space = await through(extractor, state.current, target, compute);
    return { space, probabilities: await applyLayers([head], state.current, space, compute.engine) };
  };
  const labelsNow = async () => {
    const { space, probabilities } = await seen();
    return centroidLabels(space, probabilities, classes);
  };
  let labels = await labelsNow();
  const plain = dataOf(target, labels);
  const train = { ...plain, targetsOf: () => ({ kind: "classes", labels }) as const };
  const trainable = network.parameters.trainable.filter(({ path }) => path.startsWith(`${learns}/`));
  const history: EpochLog[] = [];
  for await (const event of fitted(
    { network, loss: sourceHypothesisLoss(), trainable },
    train,
    state,
    settings,
    compute,
  )) {
    if (event.type !== "epoch") {
      yield event;
      continue;
    }
    const next = await labelsNow();
    const changed = next.reduce((sum, label, i) => sum + Number(label !== labels[i]), 0) / next.length;
    labels = next;
    const log = { ...event.log, labels_changed: changed };
    history.push(log);
    yield { ...event, log };
  }
  return { network, weights: state.snapshot(network.parameters.list), ...(await seen()), history };
}

/** SHOT from the source's images: a shared layer and a classifier learn them, then the images are put away. */
export async function* learnHypothesis(
  domains: ScaledDomains,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<FitEvent, DomainTrial> {
  const { source, labels, held, target, classes } = domains.features;
  const layers = [sharedDense(), headLayer(classes)];
  const network = sequentialNetwork(layers, [source.width]);
  const state = new TrainingState(initialTensors(network.parameters, settings.seed));
  const loss = sparseCategoricalCrossentropy({ labelSmoothing });
  const recipe = { network, loss, trainable: network.parameters.trainable };
  const { classWeights } = domains.features;
  yield* fitted(recipe, dataOf(source, labels), state, settings, compute, classWeights);
  const learned = state.snapshot(network.parameters.list);
  const hypothesis = hypothesisIn(learned, source.width, classes);
  if (hypothesis === undefined) throw new Error("a shared layer and a head are a hypothesis");
  const { weights, space, probabilities, history } = yield* learnSourceFree(
    hypothesis,
    target,
    classes,
    settings,
    compute,
  );
  const shared = (rows: Rows) => through(hypothesis.extractor, weights, rows, compute);
  const heldSpace = await shared(held);
  return {
    method: "shot",
    setting: "",
    network: sequentialNetwork([domains.layer, ...layers], [target.width]),
    weights: new Map([...domains.weights, ...weights]),
    space: { source: await shared(source), held: heldSpace, target: space },
    probabilities: {
      held: await applyLayers([hypothesis.head], weights, heldSpace, compute.engine),
      target: probabilities,
    },
    history,
  };
}

interface Fitted {
  readonly network: Network;
  readonly loss: Loss;
  readonly trainable: readonly Parameter[];
}

async function* fitted(
  { network, loss, trainable }: Fitted,
  train: TrainingData,
  state: TrainingState,
  { epochs, batchSize, learningRate, seed, nowMs }: DomainLearning,
  { engine, signal }: Compute,
  classWeights?: readonly number[],
): AsyncGenerator<FitEvent> {
  const plan = {
    recipe: { network, loss, optimizer: adam({ learningRate }), trainable },
    train,
    validation: undefined,
    epochs,
    batchSize,
    seed,
    schedule: cosineSchedule(),
    classWeights,
    measures: [],
    callbacks: [],
  };
  for await (const event of fit(plan, state, { engine, nowMs, signal }, freshProgress())) {
    if (event.type === "interrupted")
      throw new GraftError("interrupted", "stopped while the target was being learned; nothing was kept.");
    yield event;
  }
}

async function through(layers: readonly Layer[], weights: Weights, rows: Rows, { engine }: Compute): Promise<Rows> {
  const values = await applyLayers(layers, weights, rows, engine);
  return { values, count: rows.count, width: values.length / rows.count };
}
