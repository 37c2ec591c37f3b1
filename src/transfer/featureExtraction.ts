import { isIdentity } from "../image/augmentation.ts";
import type { TrainingData } from "../train/data.ts";
import { allDraws } from "./allDraws.ts";
import { drawsPerImage, FeatureCache } from "./featureCache.ts";
import { heads } from "./heads.ts";
import type { BackboneJob, HeadName, StrategyEvent, TransferPlan } from "./strategy.ts";

/** The pretrained network stays as it is; a head learns from its features, which are computed once. */
export async function* featureExtraction(
  job: BackboneJob,
  head: HeadName,
): AsyncGenerator<StrategyEvent, TransferPlan> {
  const { everyDraw, ...features } = yield* frozenFeatures(job);
  const { note, ...made } = await heads[head](job, everyDraw(features.data(job.split.train, true)));
  if (note !== undefined) yield { type: "note", text: note };
  return { ...made, ...features };
}

/** The job's images as features of its backbone. */
export interface FrozenFeatures extends Pick<TransferPlan, "backbone" | "data" | "dispose"> {
  /** With a row for each variant of an image that is trained on, for heads that learn from all of them at once. */
  everyDraw(data: TrainingData): TrainingData;
}

/** Computes what is missing of the features of all images. */
export async function* frozenFeatures(job: BackboneJob): AsyncGenerator<StrategyEvent, FrozenFeatures> {
  const { backbone, images, split, augmentation, platform, seed, signal } = job;
  const features = job.features ?? (await FeatureCache.open(backbone, images, platform));
  const isAugmented = !isIdentity(augmentation);
  if (isAugmented) {
    yield { type: "note", text: `augmentation: ${drawsPerImage} variants of each image, whose features are kept` };
  }
  const asTheyAre = [...split.train, ...split.validation, ...split.test];
  for await (const progress of features.compute(asTheyAre, signal)) {
    yield { type: "progress", phase: "features", ...progress };
  }
  return {
    backbone,
    data: (indices, isTraining) =>
      isTraining && isAugmented ? features.augmented(indices, augmentation, seed) : features.data(indices),
    everyDraw: (data) => (isAugmented ? allDraws(data) : data),
    dispose: async () => (job.features === undefined ? features.dispose() : undefined),
  };
}

/** What `use` makes of the features of the training images as they are. */
export async function* trainingFeatures<T>(
  { backbone, images, split, platform, signal }: BackboneJob,
  use: (features: FeatureCache) => AsyncGenerator<StrategyEvent, T>,
): AsyncGenerator<StrategyEvent, T> {
  const features = await FeatureCache.open(backbone, images, platform);
  try {
    for await (const progress of features.compute(split.train, signal)) {
      yield { type: "progress", phase: "features", ...progress };
    }
    return yield* use(features);
  } finally {
    await features.dispose();
  }
}
