import { centroidLabels } from "../adapt/centroidLabels.ts";
import { sourceHypothesisLoss } from "../adapt/losses/sourceHypothesis.ts";
import type { Compute } from "../algebra/compute.ts";
import type { Rows } from "../base/rows.ts";
import { Tensor } from "../base/tensor.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import type { Callback } from "../train/callbacks.ts";
import type { TrainingData } from "../train/data.ts";
import type { FitEvent } from "../train/fit.ts";
import type { EpochLog } from "../train/progress.ts";
import { TrainingState } from "../train/state.ts";
import { headLayer } from "./alignFeatures.ts";
import { type DomainSubject, plainLearning } from "./domainSubject.ts";
import { applyLayers, type DomainTrial, rowsOf } from "./domainTrial.ts";
import { type DomainLearning, learnBySteps } from "./learnBySteps.ts";
import { learnSource, trialOf } from "./learnDomains.ts";
import type { SourceHypothesis } from "./sourceHypothesis.ts";
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
  { extractor, head, weights }: SourceHypothesis,
  target: TrainingData,
  classes: number,
  settings: DomainLearning,
  compute: Compute,
  learning: DomainSubject["learning"] = plainLearning,
): AsyncGenerator<FitEvent, SourceFree> {
  const network = sequentialNetwork([...extractor, head], target.inputShape);
  const seen = async (now: Weights) => {
    const space = await rowsOf(extractor, now, target, compute.engine);
    return { space, probabilities: await applyLayers([head], now, space, compute.engine) };
  };
  const pseudo = pseudoLabelling(async (now) => {
    const { space, probabilities } = await seen(now);
    return centroidLabels(space, probabilities, classes);
  });
  await pseudo.label(weights);
  const { recipe, schedule } = learning(network, sourceHypothesisLoss(), settings.learningRate);
  const lesson = {
    name: "shot",
    recipe: { ...recipe, trainable: recipe.trainable.filter(({ path }) => !path.startsWith("head/")) },
    schedule,
    train: { ...target, targets: pseudo.targets(), targetsOf: () => pseudo.targets() },
    classWeights: undefined,
    batchSize: settings.batchSize,
    callbacks: [pseudo.callback],
  };
  const { state, progress } = yield* learnBySteps(lesson, new TrainingState(weights), settings, compute);
  const learned = state.snapshot(network.parameters.list);
  return { network, weights: learned, ...(await seen(learned)), history: progress.history };
}

/** SHOT from the source's images: an extractor and a classifier learn them, then the images are put away. */
export async function* learnHypothesis(
  subject: DomainSubject,
  settings: DomainLearning,
  compute: Compute,
): AsyncGenerator<FitEvent, DomainTrial> {
  const { target, classes } = subject.data;
  const source = yield* learnSource(subject, settings, compute, { name: "shot-source", labelSmoothing });
  const hypothesis = { extractor: subject.extractor("target"), head: headLayer(classes), weights: source.weights };
  const learned = yield* learnSourceFree(hypothesis, target, classes, settings, compute, subject.learning);
  return trialOf(subject, "shot", learned, compute);
}

/** The labels that target images have for now, which are found anew after every epoch and kept with a checkpoint. */
function pseudoLabelling(labelled: (weights: Weights) => Promise<Int32Array>) {
  let labels: Int32Array = new Int32Array(0);
  const callback: Callback = {
    name: "pseudoLabelling",
    start() {},
    async onEpochEnd({ state, log }) {
      const next = await labelled(state.current);
      log({ labels_changed: next.filter((label, i) => label !== labels[i]).length / next.length });
      labels = next;
    },
    save: () => ({ values: {}, tensors: new Map([["labels", Tensor.of("int32", [labels.length], labels)]]) }),
    restore({ tensors }) {
      labels = Int32Array.from(tensors.get("labels")?.data ?? [], Number);
    },
  };
  return {
    callback,
    targets: () => ({ kind: "classes", labels }) as const,
    async label(weights: Weights) {
      labels = await labelled(weights);
    },
  };
}
