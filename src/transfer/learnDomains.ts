import { domainLoss } from "../adapt/losses/domainBatch.ts";
import { classCounts } from "../adapt/partialTransfer.ts";
import { type TrainedMethod, type TrainedMethodName, trainedMethods } from "../adapt/trainedMethods.ts";
import type { Compute } from "../algebra/compute.ts";
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
import type { Weights } from "./strategy.ts";

/**
 * Learns what the domains share and a classifier on it, from batches of which one half is of each domain: source images by their labels, all
 * by the method's term. Every epoch logs how well a linear classifier tells the domains apart there, and their discrepancy. Throws `interrupted`.
 */
export async function* learnDomains(
  subject: DomainSubject,
  method: TrainedMethodName,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<FitEvent, DomainTrial> {
  const { data } = subject;
  const { epochs, batchSize, seed } = settings;
  const way = trainedMethods[method];
  const network = networkOf(subject, way);
  const measures = new DomainMeasures(data, { network, discriminator: way.discriminator }, seed, compute);
  const counting = settings.isPartial
    ? classCounting((state) => measures.answersOn(data.target, state), data.classes)
    : undefined;
  const lesson = {
    name: method,
    ...subject.learning(network, domainLoss(method, data.classes, way.term), settings.learningRate),
    train: mixedData(data, (epoch) => ({
      strength: way.strength(epochs < 2 ? 1 : epoch / (epochs - 1)),
      classCounts: counting?.counts(),
    })),
    classWeights: undefined,
    batchSize,
    callbacks: [measuring((state) => measures.of(state)), ...(counting === undefined ? [] : [counting.callback])],
  };
  try {
    const { state, progress } = yield* learnBySteps(lesson, startOf(subject, network, seed), settings, compute);
    return await trialOf(
      subject,
      method,
      { weights: state.snapshot(network.parameters.list), history: progress.history },
      compute,
    );
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
  const network = networkOf(subject);
  const measures = new DomainMeasures(data, { network, discriminator: undefined }, settings.seed, compute);
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

function networkOf({ data, extractor }: DomainSubject, { auxiliary }: Partial<TrainedMethod> = {}): Network {
  const shared = extractor.reduce((symbol, layer) => layer(symbol), input(data.source.inputShape));
  const answers = headLayer(data.classes)(shared);
  return functionalNetwork(answers, auxiliary === undefined ? [] : [auxiliary(shared, answers, data.classes)]);
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
    source: await rowsOf(extractor, weights, source, engine),
    held: await rowsOf(extractor, weights, held, engine),
    target: await rowsOf(extractor, weights, target, engine),
  };
  const head = [headLayer(classes)];
  const network = sequentialNetwork([...front.layers, ...extractor, ...head], source.inputShape);
  const kept = network.parameters.list.flatMap(({ path }) => {
    const tensor = front.weights.get(path) ?? weights.get(path);
    return tensor === undefined ? [] : [[path, tensor] as const];
  });
  return {
    method,
    setting: "",
    takes,
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
