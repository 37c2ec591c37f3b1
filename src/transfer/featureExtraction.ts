import { isIdentity } from "../image/augmentation.ts";
import { allDraws } from "./allDraws.ts";
import { drawsPerImage, FeatureCache } from "./featureCache.ts";
import { heads } from "./heads.ts";
import type { BackboneJob, HeadName, StrategyEvent, TransferPlan } from "./strategy.ts";

/** The pretrained network stays as it is; a head learns from its features, which are computed once. */
export async function* featureExtraction(
  job: BackboneJob,
  head: HeadName,
): AsyncGenerator<StrategyEvent, TransferPlan> {
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
  const data = (indices: readonly number[], isTraining: boolean) =>
    isTraining && isAugmented ? features.augmented(indices, augmentation, seed) : features.data(indices);
  const learned = data(split.train, true);
  const { note, ...made } = await heads[head](job, isAugmented ? allDraws(learned) : learned);
  if (note !== undefined) yield { type: "note", text: note };
  return {
    ...made,
    backbone,
    data,
    dispose: async () => (job.features === undefined ? features.dispose() : undefined),
  };
}
