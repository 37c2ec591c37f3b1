import { kernelMeanMatching } from "../adapt/kernelMeanMatching.ts";
import { kliep } from "../adapt/kliep.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import type { Steps } from "../base/steps.ts";
import { sequentialNetwork } from "../nn/network.ts";
import type { TrainingData } from "../train/data.ts";
import { FeatureCache } from "./featureCache.ts";
import { solved } from "./heads.ts";
import { headWeights, linearClassifier } from "./linearProblem.ts";
import { scaled } from "./sourceWeights.ts";
import type { BackboneJob, StrategyEvent, TransferPlan } from "./strategy.ts";
import { tradaboost } from "./tradaboost.ts";
import { votingHead, votingWeights } from "./votingHead.ts";
import { WeightedLearner } from "./weightedLearner.ts";

/** Ways to decide how much each image of a source set counts. */
export const weightingNames = ["tradaboost", "kmm", "kliep"] as const;
export type WeightingName = (typeof weightingNames)[number];
export const usualWeighting: WeightingName = "tradaboost";

/** A job whose images are those of the target, which `split` divides, and after them those of a source set with labels of the target's classes. */
export interface InstanceJob extends BackboneJob {
  readonly source: readonly number[];
}

/** The images of an `InstanceJob`. */
export type InstanceImages = Pick<InstanceJob, "images" | "source">;

/** A plan that learns from source images too, and how much of each. */
export interface InstancePlan extends TransferPlan {
  /** One for each source image, in units of a target image. */
  readonly sourceWeights: Float64Array;
}

/** N of TrAdaBoost. */
const boostingRounds = 10;

/** A linear head on frozen features of the target's training images and of source images, which count as `weighting` says; all the same without. */
export async function* instanceTransfer(
  job: InstanceJob,
  weighting: WeightingName | undefined,
): AsyncGenerator<StrategyEvent, InstancePlan> {
  const { backbone, images, split, source, platform, signal } = job;
  const features = await FeatureCache.open(backbone, images, platform);
  const all = [...split.train, ...split.validation, ...split.test, ...source];
  for await (const progress of features.compute(all, signal))
    yield { type: "progress", phase: "features", ...progress };
  const head = yield* weighers[weighting ?? "none"](job, features.data([...split.train, ...source]));
  return {
    ...head,
    backbone,
    data: (indices) => features.data(indices),
    learning: undefined,
    dispose: () => features.dispose(),
  };
}

type WeighedHead = Pick<InstancePlan, "network" | "initial" | "sourceWeights">;

/** `data`: features of target images, [N, width], and then of source images. */
type Weigher = (job: InstanceJob, data: TrainingData) => AsyncGenerator<StrategyEvent, WeighedHead>;

const weighers: Readonly<Record<WeightingName | "none", Weigher>> = {
  none: (job, data) => weighedHead(job, data, new Float64Array(job.source.length).fill(1)),

  async *kmm(job, data) {
    const [target, source] = await rowsOf(job, data);
    const { weights, width, residual, iterations } = yield* inSteps(
      kernelMeanMatching(source, target),
      "kmm",
      job.signal,
    );
    const how = `kernel width ${width.toPrecision(3)}, ${iterations} iterations to a residual of ${residual.toExponential(0)}`;
    yield { type: "note", text: `kernel mean matching: ${how}` };
    return yield* weighedHead(job, data, weights);
  },

  async *kliep(job, data) {
    const [target, source] = await rowsOf(job, data);
    const { weights, width, gap } = yield* inSteps(kliep(source, target, { seed: job.seed }), "kliep", job.signal);
    const how = `kernel width ${width.toPrecision(3)} by cross-validated likelihood, which is within ${gap.toExponential(0)} of its maximum`;
    yield { type: "note", text: `KLIEP: ${how}` };
    return yield* weighedHead(job, data, weights);
  },

  async *tradaboost(job, data) {
    const { classes, split, source } = job;
    // The strength of the penalty is that of the first round, in which all images count the same.
    const { penalty } = yield* solved(job, data, new Float64Array(source.length).fill(1));
    const learner = await WeightedLearner.open(job, data, [split.train, source], penalty);
    const options = { classes, targets: split.train.length, rounds: boostingRounds };
    try {
      const work = tradaboost(learner.labels, options, (weights) => learner.learn(weights));
      for (;;) {
        const next = await work.next();
        if (!next.done) {
          yield { type: "progress", phase: "tradaboost", unit: "steps", ...next.value };
          continue;
        }
        const { votes, sourceWeights, errors } = next.value;
        const percent = (error: number | undefined) => `${(100 * (error ?? 0)).toFixed(1)} %`;
        const how = `${boostingRounds} rounds; of the target's training images, judged by heads that did not learn from them, ${percent(errors[0])} by weight wrong at first, ${percent(errors.at(-1))} at last`;
        yield { type: "note", text: `TrAdaBoost: ${how}` };
        const network = sequentialNetwork([votingHead(classes, votes.length)], data.inputShape);
        return { network, initial: votingWeights(votes), sourceWeights };
      }
    } finally {
      await learner.dispose();
    }
  },
};

/** One linear head, learned from all rows at these weights. */
async function* weighedHead(
  job: InstanceJob,
  data: TrainingData,
  weights: Float64Array,
): AsyncGenerator<StrategyEvent, WeighedHead> {
  const sourceWeights = scaled(weights);
  const head = yield* solved(job, data, sourceWeights);
  return { network: linearClassifier(job.classes, data.inputShape), initial: headWeights(head), sourceWeights };
}

/** Features of the target's images and of the source's. */
async function rowsOf({ split }: InstanceJob, data: TrainingData): Promise<readonly [Rows, Rows]> {
  const [width = 0] = data.inputShape;
  const loaded = async (from: number, to: number): Promise<Rows> => {
    const places = Uint32Array.from({ length: to - from }, (_, i) => from + i);
    return { values: (await data.load(places, undefined)).floats, count: places.length, width };
  };
  const targets = split.train.length;
  return [await loaded(0, targets), await loaded(targets, data.count)];
}

/** Shows the steps of `work`, one of each hundredth of it, and stops where it is asked to. */
async function* inSteps<T>(work: Steps<T>, phase: string, signal: AbortSignal): AsyncGenerator<StrategyEvent, T> {
  let shown = -1;
  for (;;) {
    if (signal.aborted) throw new GraftError("interrupted", "stopped while source images were being weighed.");
    const next = work.next();
    if (next.done) return next.value;
    const { done, total } = next.value;
    const hundredth = Math.floor((100 * done) / total);
    if (hundredth !== shown) yield { type: "progress", phase, unit: "steps", done, total };
    shown = hundredth;
  }
}
