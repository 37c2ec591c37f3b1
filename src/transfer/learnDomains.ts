import { uselessDiscriminator } from "../adapt/discriminatorCollapse.ts";
import type { DomainName } from "../adapt/domainNormalization.ts";
import { scheduledLoss } from "../adapt/losses/domainBatch.ts";
import { classCounts } from "../adapt/partialTransfer.ts";
import { type TrainedMethod, type TrainedMethodName, trainedMethods } from "../adapt/trainedMethods.ts";
import type { Compute } from "../algebra/compute.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { input } from "../nn/layer.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { functionalNetwork, type Network, sequentialNetwork } from "../nn/network.ts";
import type { Callback } from "../train/callbacks.ts";
import type { FitEvent } from "../train/fit.ts";
import type { EpochLog } from "../train/progress.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { headLayer } from "./alignFeatures.ts";
import { mixedData, sourceData } from "./domainData.ts";
import { DomainMeasures } from "./domainMeasures.ts";
import type { DomainSubject } from "./domainSubject.ts";
import { applyLayers, type DomainTrial, rowsOf } from "./domainTrial.ts";
import { type DomainLearning, learnBySteps } from "./learnBySteps.ts";
import type { StrategyEvent, Weights } from "./strategy.ts";

/** Of λ, where a domain classifier collapsed and all begins again. */
const lowerWeight = 0.1;
/** Share of the last λ from which a domain classifier is expected to teach something. */
const strong = 0.5;

/**
 * Learns what the domains share and a classifier on it, from batches of which one half is of each domain: source images by their labels, all
 * by the method's term. Every epoch logs how well a linear classifier tells the domains apart there, and their discrepancy. A domain classifier that
 * collapses, or a loss that is no number, is told; then all begins again, once, with a tenth of λ. Throws `interrupted`, and `diverged` where the loss
 * is no number again.
 */
export async function* learnDomains(
  subject: DomainSubject,
  method: TrainedMethodName,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<StrategyEvent, DomainTrial> {
  const first = yield* attempted(subject, { method, name: method, factor: 1 }, settings, compute);
  if (typeof first !== "string") return trialOf(subject, method, first, compute);
  yield { type: "note", text: `${method}: ${first}; it begins again with ${lowerWeight} of the weight` };
  const again = { method, name: `${method}-again`, factor: lowerWeight };
  const second = yield* attempted(subject, again, settings, compute);
  if (typeof second === "string") {
    throw new GraftError(
      "diverged",
      `${method}: ${second} That was with the lower weight too: lower --learning-rate, or take another --method.`,
    );
  }
  const useless = uselessIn(second.history.at(-1) ?? {});
  if (useless !== undefined) {
    const text = `${method}: in the end the domain classifier ${useless}, with the lower weight too: expect little more than source-only`;
    yield { type: "note", text };
  }
  return trialOf(subject, method, second, compute);
}

function uselessIn(log: Readonly<Record<string, number>>): string | undefined {
  return uselessDiscriminator({
    discriminatorLoss: log["discriminator_loss"] ?? Number.NaN,
    domainAccuracy: log["domain_accuracy"] ?? Number.NaN,
  });
}

interface Attempt {
  readonly method: TrainedMethodName;
  /** Of its checkpoint. */
  readonly name: string;
  /** Of λ. */
  readonly factor: number;
}

/** What was learned, or why that failed. */
async function* attempted(
  subject: DomainSubject,
  { method, name, factor }: Attempt,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<StrategyEvent, Pick<DomainTrial, "weights" | "history"> | string> {
  const { data } = subject;
  const { epochs, batchSize, seed } = settings;
  const way = trainedMethods[method];
  const network = networkOf(subject, "both", way);
  const measured = {
    networkOf: (domain: DomainName) => networkOf(subject, domain, way),
    discriminator: way.discriminator,
  };
  const measures = new DomainMeasures(data, measured, seed, compute);
  const strength = (done: number) => way.strength(done / epochs);
  const counting = settings.isPartial
    ? classCounting((state) => measures.answersOn("target", data.target, state), data.classes)
    : undefined;
  const isWatched = way.discriminator !== undefined && factor === 1;
  const watching = isWatched ? [collapseWatch(epochs, strength)] : [];
  const lesson = {
    name,
    ...subject.learning(network, scheduledLoss(method, data.classes, way.term), settings.learningRate),
    train: mixedData(data, {
      strength: (done) => factor * strength(done),
      classCounts: () => counting?.counts(),
    }),
    classWeights: undefined,
    batchSize,
    callbacks: [
      measuring((state) => measures.of(state)),
      ...watching,
      ...(counting === undefined ? [] : [counting.callback]),
    ],
  };
  try {
    const { state, progress } = yield* learnBySteps(lesson, startOf(subject, network, seed), settings, compute);
    if (progress.stopReason !== undefined) return progress.stopReason;
    return { weights: state.snapshot(network.parameters.list), history: progress.history };
  } catch (error) {
    if (error instanceof GraftError && error.code === "diverged") return error.message;
    throw error;
  } finally {
    await measures.dispose();
  }
}

/** The same network by the source alone, in the batches that it has beside the target's. Throws `interrupted`. */
export async function* learnSource(
  subject: DomainSubject,
  settings: DomainLearning,
  compute: Compute,
  { name, labelSmoothing }: { readonly name: string; readonly labelSmoothing: number } = {
    name: "source-only",
    labelSmoothing: 0,
  },
): AsyncGenerator<FitEvent, DomainTrial> {
  const { data } = subject;
  const network = networkOf(subject, "source");
  const measured = { networkOf: (domain: DomainName) => networkOf(subject, domain), discriminator: undefined };
  const measures = new DomainMeasures(data, measured, settings.seed, compute);
  const lesson = {
    name,
    ...subject.learning(network, sparseCategoricalCrossentropy({ labelSmoothing }), settings.learningRate),
    train: sourceData(data),
    classWeights: data.classWeights,
    batchSize: settings.batchSize >> 1,
    callbacks: [measuring((state) => measures.of(state))],
  };
  try {
    const { state, progress } = yield* learnBySteps(
      lesson,
      startOf(subject, network, settings.seed),
      settings,
      compute,
    );
    const learned = { weights: state.snapshot(network.parameters.list), history: progress.history };
    return await trialOf(subject, "source-only", learned, compute);
  } finally {
    await measures.dispose();
  }
}

function networkOf(
  { data, extractor }: DomainSubject,
  domain: DomainName,
  { auxiliary }: Partial<TrainedMethod> = {},
): Network {
  const shared = extractor(domain).reduce((symbol, layer) => layer(symbol), input(data.source.inputShape));
  const answers = headLayer(data.classes)(shared);
  return functionalNetwork(answers, auxiliary?.(shared, answers, data.classes) ?? []);
}

function startOf({ pretrained }: DomainSubject, { parameters }: Network, seed: number): TrainingState {
  return new TrainingState(new Map([...initialTensors(parameters, seed), ...pretrained]));
}

/** Puts figures of the network into every epoch's log. */
function measuring(measure: (state: TrainingState) => Promise<Record<string, number>>): Callback {
  return {
    name: "measuring",
    start() {},
    async onEpochEnd({ state, log }) {
      log(await measure(state));
    },
    save: () => ({ values: {}, tensors: new Map() }),
    restore() {},
  };
}

/** Stops a training whose domain classifier taught nothing in a fifth of the epochs, one after another, and two at least, with a weight that counts. */
function collapseWatch(epochs: number, strength: (done: number) => number): Callback {
  const patience = Math.max(2, Math.ceil(epochs / 5));
  let useless = 0;
  return {
    name: "collapseWatch",
    start() {
      useless = 0;
    },
    onEpochEnd({ epoch, logs, stop }) {
      const reason = uselessIn(logs);
      useless = reason !== undefined && strength(epoch) >= strong * strength(epochs) ? useless + 1 : 0;
      if (useless >= patience) stop(`the domain classifier ${reason} (${patience} epochs in a row)`);
    },
    save: () => ({ values: { useless }, tensors: new Map() }),
    restore({ values }) {
      useless = values["useless"] ?? 0;
    },
  };
}

/** How much each class of the source counts, found anew from the answers on the target after every epoch and kept with a checkpoint. */
function classCounting(answersOn: (state: TrainingState) => Promise<Float32Array>, classes: number) {
  let counts: readonly number[] = new Array<number>(classes).fill(1);
  const callback: Callback = {
    name: "classCounting",
    start() {},
    async onEpochEnd({ state }) {
      counts = classCounts(await answersOn(state), classes);
    },
    save: () => ({ values: {}, tensors: new Map([["counts", Tensor.float32([classes], counts)]]) }),
    restore({ tensors }) {
      counts = [...(tensors.get("counts")?.floats ?? [])];
    },
  };
  return { callback, counts: () => counts };
}

/** What a network came to say, with weights that may hold more than it needs. */
export async function trialOf(
  { data, extractor, front, takes }: DomainSubject,
  method: string,
  { weights, history }: { readonly weights: Weights; readonly history: readonly EpochLog[] },
  { engine }: Compute,
): Promise<DomainTrial> {
  const { source, held, target, classes } = data;
  const space = {
    source: await rowsOf(extractor("source"), weights, source, engine),
    held: await rowsOf(extractor("source"), weights, held, engine),
    target: await rowsOf(extractor("target"), weights, target, engine),
  };
  const head = [headLayer(classes)];
  const network = sequentialNetwork([...front.layers, ...extractor("target"), ...head], source.inputShape);
  const kept = network.parameters.list.flatMap(({ path }) => {
    const tensor = front.weights.get(path) ?? weights.get(path);
    return tensor === undefined ? [] : [[path, tensor] as const];
  });
  return {
    method,
    setting: "",
    takes,
    classes,
    network,
    weights: new Map(kept),
    space,
    probabilities: {
      held: await applyLayers(head, weights, space.held, engine),
      target: await applyLayers(head, weights, space.target, engine),
    },
    history,
  };
}
