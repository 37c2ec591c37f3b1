import type { Tensor } from "../base/tensor.ts";
import type { Layer } from "../nn/layer.ts";
import type { ParameterOverrides } from "../optim/groups.ts";
import { constantSchedule } from "../optim/schedules.ts";
import type { Targets, TrainingData } from "../train/data.ts";
import { initialTensors } from "../train/state.ts";
import { frozenFeatures, trainingFeatures } from "./featureExtraction.ts";
import { solvedHead } from "./heads.ts";
import { columnTargets, type HeadTarget, labelled, taskRows, widthOf } from "./headTargets.ts";
import {
  headLayer,
  logVariancePath,
  lossOfTargets,
  measuresOf,
  multiTaskNetwork,
  sharedHidden,
  type TaskWeightingName,
} from "./multiTaskHeads.ts";
import { jobPixels } from "./pixelData.ts";
import type { BackboneJob, Evaluation, StrategyEvent, TransferPlan, Weights } from "./strategy.ts";
import { type TuningOptions, tunedBackbone } from "./tunedBackbone.ts";

const labelSmoothing = 0.1;
/** A log-variance is one number, whose steps of Adam are too small at the rate that suits thousands of weights. */
const uncertaintyRateFactor = 10;

/** A job whose images have several labels each. */
export interface MultiTaskJob extends BackboneJob {
  readonly targets: readonly HeadTarget[];
  readonly weighting: TaskWeightingName;
}

/**
 * What learns: a linear head for each target on frozen features, solved one by one; a hidden layer that such heads share; or the backbone
 * with its heads.
 */
export type MultiTaskTuning =
  | { readonly kind: "heads"; readonly head: "linear" | "mlp" }
  | ({ readonly kind: "all" } & TuningOptions);

/** One backbone, several labels an image, a head for each (Caruana 1997); labels may be missing. */
export async function* multiTask(
  job: MultiTaskJob,
  tuning: MultiTaskTuning,
): AsyncGenerator<StrategyEvent, TransferPlan> {
  if (tuning.kind === "all") return tunedTogether(job, tuning);
  return tuning.head === "linear" ? yield* solvedApart(job) : yield* learnedOnFeatures(job);
}

/** Linear heads on frozen features share nothing: each is solved to its own optimum. */
async function* solvedApart(job: MultiTaskJob): AsyncGenerator<StrategyEvent, TransferPlan> {
  const { everyDraw, ...features } = yield* frozenFeatures(job);
  return {
    network: networkOf(job, [job.backbone.width], []),
    ...features,
    initial: () => solvedHeads(job, (indices, targets) => everyDraw({ ...features.data(indices, true), targets })),
    learning: undefined,
    evaluation: evaluationOf(job, 0),
    targets: job.targets,
  };
}

/** Heads behind a hidden layer that they share, by steps. */
async function* learnedOnFeatures(job: MultiTaskJob): AsyncGenerator<StrategyEvent, TransferPlan> {
  const { everyDraw: _, ...features } = yield* frozenFeatures(job);
  const network = networkOf(job, [job.backbone.width], sharedHidden());
  const evaluation = evaluationOf(job, 0);
  return {
    network,
    ...features,
    initial: initialTensors(network.parameters, job.seed),
    learning: {
      recipe: {
        network,
        loss: evaluation.loss,
        optimizer: job.optimizer({ learningRate: job.learningRate, groups: uncertaintyGroups(job) }),
        trainable: network.parameters.trainable,
      },
      schedule: constantSchedule(),
      taught: evaluation.taught,
    },
    evaluation,
    targets: job.targets,
  };
}

/** First the heads on frozen features, then everything together, as `fineTune` does. */
function tunedTogether(job: MultiTaskJob, tuning: TuningOptions): TransferPlan {
  const { seed } = job;
  const { side } = job.images;
  const tuned = tunedBackbone(job, tuning);
  const networkWith = (layer: Layer) => networkOf(job, [side, side, 3], [layer]);
  const network = networkWith(tuned.layer);
  const evaluation = evaluationOf(job, labelSmoothing);
  return {
    network,
    backbone: undefined,
    ...jobPixels(job),
    async *initial() {
      const heads = yield* trainingFeatures(job, (features) =>
        solvedHeads(job, (indices, targets) => ({ ...features.data(indices), targets })),
      );
      const list = network.parameters.list.filter(({ path }) => path === logVariancePath);
      return new Map([...initialTensors({ list }, seed), ...(yield* tuned.initial(network)), ...heads]);
    },
    learning: {
      ...tuned.learning(network, evaluation.loss, uncertaintyGroups(job)),
      taught: evaluation.taught,
    },
    evaluation,
    targets: job.targets,
    ...tuned.served(networkWith),
  };
}

function networkOf({ targets, weighting }: MultiTaskJob, inputShape: readonly number[], shared: readonly Layer[]) {
  return multiTaskNetwork(targets, inputShape, { shared, weighting });
}

function evaluationOf({ images, targets, weighting }: MultiTaskJob, smoothing: number): Evaluation {
  return {
    loss: lossOfTargets(targets, weighting, smoothing),
    measures: measuresOf(targets),
    taught: (data, indices, isTraining) => ({
      ...data,
      targets: taskRows(images.samples, indices, targets, isTraining),
    }),
  };
}

/** What is learned of the uncertainty is no weight that decays. */
function uncertaintyGroups({ weighting, learningRate }: MultiTaskJob): ParameterOverrides[] {
  if (weighting === "fixed") return [];
  const paths = new RegExp(`^${logVariancePath}$`);
  return [{ paths, learningRate: uncertaintyRateFactor * learningRate, weightDecay: 0 }];
}

/** Each target's linear head at its optimum, on the training images whose label is known. */
async function* solvedHeads(
  job: MultiTaskJob,
  dataOf: (indices: readonly number[], targets: Targets) => TrainingData,
): AsyncGenerator<StrategyEvent, Weights> {
  const { images, split, targets } = job;
  const weights = new Map<string, Tensor>();
  for (const [t, target] of targets.entries()) {
    const indices = labelled(images.samples, split.train, t);
    const isClass = target.kind === "classes";
    const samples = images.samples.map((sample) => ({ ...sample, label: isClass ? (sample.targets?.[t] ?? 0) : 0 }));
    const head = yield* solvedHead(job, dataOf(indices, columnTargets(images.samples, indices, targets, t)), {
      name: target.name,
      samples,
      indices,
      units: widthOf(target),
      classWeights: isClass ? target.classWeights : undefined,
    });
    weights.set(`${headLayer(target)}/kernel`, head.kernel).set(`${headLayer(target)}/bias`, head.bias);
  }
  return weights;
}
