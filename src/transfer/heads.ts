import { foldsOf } from "../data/folds.ts";
import type { Sample } from "../data/source.ts";
import { dense, dropout } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import { constantSchedule } from "../optim/schedules.ts";
import type { TrainingData } from "../train/data.ts";
import { initialTensors } from "../train/state.ts";
import { classMeans, cosineClassifier } from "./cosineHead.ts";
import { type LinearHead, type PenaltyTrial, solveLinearHead } from "./linearHead.ts";
import { headWeights, linearClassifier } from "./linearProblem.ts";
import { nearestNeighbours, surveyNeighbours } from "./nearestNeighbours.ts";
import type { BackboneJob, HeadName, StrategyEvent, TransferPlan } from "./strategy.ts";

const foldCount = 5;
const hiddenUnits = 256;
/** Directions of length one turn too slowly at the rate that suits a dense layer. */
const cosineRateFactor = 10;

interface HeadPlan extends Pick<TransferPlan, "network" | "initial" | "learning"> {
  /** What was found on the way. */
  readonly note?: string;
}

/** `data`: the features to learn from, [N, width]; every draw of an augmented image is a row of its own. */
type Head = (job: BackboneJob, data: TrainingData) => Promise<HeadPlan>;

/** Classifiers on frozen features. */
export const heads: Readonly<Record<HeadName, Head>> = {
  /** Multinomial logistic regression, at its optimum. */
  async linear(job, data) {
    return {
      network: linearClassifier(job.classes, data.inputShape),
      async *initial() {
        return headWeights(yield* solved(job, data));
      },
      learning: undefined,
    };
  },

  /** One hidden layer. */
  async mlp(job, data) {
    const layers = [
      dense(hiddenUnits, { activation: "relu" }),
      dropout(0.5),
      dense(job.classes, { activation: "softmax", name: "head" }),
    ];
    const network = sequentialNetwork(layers, data.inputShape);
    return {
      network,
      initial: async () => initialTensors(network.parameters, job.seed),
      learning: bySteps(network, job),
    };
  },

  /** The class whose mean is nearest, by the cosine. */
  async prototype(job, data) {
    const network = sequentialNetwork([cosineClassifier(job.classes)], data.inputShape);
    return { network, initial: await classMeans(data, job.classes), learning: undefined };
  },

  /** The same, whose directions learn on from the means. */
  async cosine(job, data) {
    const network = sequentialNetwork([cosineClassifier(job.classes)], data.inputShape);
    return {
      network,
      initial: () => classMeans(data, job.classes),
      learning: bySteps(network, job, cosineRateFactor),
    };
  },

  /** The classes of the most alike training images. */
  async knn(job, data) {
    const { classes, classWeights, platform } = job;
    const options = { classes, classWeights, images: job.split.train.length };
    const { neighbours, weights, accuracy } = await surveyNeighbours(data, options, platform.engine);
    const measured =
      accuracy === undefined ? "" : `, ${(100 * accuracy).toFixed(1)} % when each is judged by the others`;
    const note = `knn: ${neighbours} neighbour${neighbours === 1 ? "" : "s"} of ${data.count} features${measured}`;
    const network = sequentialNetwork([nearestNeighbours(classes, data.count, neighbours)], data.inputShape);
    return { network, initial: weights, learning: undefined, note };
  },
};

function bySteps(network: Network, job: BackboneJob, rateFactor = 1): HeadPlan["learning"] {
  return {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: job.optimizer({ learningRate: rateFactor * job.learningRate }),
      trainable: network.parameters.trainable,
    },
    schedule: constantSchedule(),
  };
}

/**
 * The linear head of the job's classes at its optimum, and in words how it was found.
 *
 * @param sourceWeights where the last rows of `data` come from another data set: how much each counts. Every fold learns from them
 */
export function solved(
  job: BackboneJob,
  data: TrainingData,
  sourceWeights: ArrayLike<number> = [],
): AsyncGenerator<StrategyEvent, LinearHead> {
  const { images, split, classes, classWeights } = job;
  const problem = { name: "linear head", samples: images.samples, indices: split.train, units: classes, classWeights };
  return solvedHead(job, data, { ...problem, sourceWeights });
}

/** What one linear head is to learn. */
export interface HeadProblem {
  /** For people. */
  readonly name: string;
  /** With labels by which the folds are stratified. */
  readonly samples: readonly Sample[];
  /** The samples that the data's rows are of, again and again where there are several draws. */
  readonly indices: readonly number[];
  /** Classes, or one number of variance 1. */
  readonly units: number;
  readonly classWeights: readonly number[] | undefined;
  /** How much each of the last rows counts, where these are of another data set. */
  readonly sourceWeights?: ArrayLike<number>;
}

/** One linear head at its optimum, and in words how it was found. */
export async function* solvedHead(
  { penalty, platform, seed, signal }: Pick<BackboneJob, "penalty" | "platform" | "seed" | "signal">,
  data: TrainingData,
  { name, samples, indices, units, classWeights, sourceWeights = [] }: HeadProblem,
): AsyncGenerator<StrategyEvent, LinearHead> {
  const ofImages = foldsOf(samples, indices, { count: foldCount, seed });
  const own = data.count - sourceWeights.length;
  const foldOf = (row: number) => (row < own ? ofImages[row % ofImages.length] : undefined) ?? -1;
  const folds = Int32Array.from({ length: data.count }, (_, row) => foldOf(row));
  const sampleWeights = Float64Array.from({ length: data.count }, (_, row) => sourceWeights[row - own] ?? 1);
  const startMs = platform.nowMs();
  const options = { units, folds, classWeights, sampleWeights, penalty, signal };
  const head = await solveLinearHead(data, options, platform.engine);
  const seconds = ((platform.nowMs() - startMs) / 1000).toFixed(1);
  const best = head.trials.find((trial) => trial.penalty === head.penalty);
  const unmeasured = penalty === undefined ? "too few images to cross-validate" : "as asked for";
  const measured =
    best === undefined
      ? unmeasured
      : `${goodness(best)} in ${foldCount}-fold cross-validation on ${indices.length} training images`;
  const text = `${name}: penalty ${head.penalty.toPrecision(2)}, ${measured}, solved in ${seconds} s`;
  yield { type: "note", text };
  return head;
}

function goodness({ accuracy, loss }: PenaltyTrial): string {
  return accuracy === undefined ? `R² ${(1 - loss).toFixed(3)}` : `${(100 * accuracy).toFixed(1)} %`;
}
