import { caffeNormalisation, imagenetNormalisation, minusOneToOne } from "../backbones/cards.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { ownNormalisation } from "../backbones/ownNormalisation.ts";
import { foldsOf } from "../data/folds.ts";
import type { LookAlike } from "../data/nearDuplicates.ts";
import type { BackboneFacts, PixelTrial } from "../doctor/backboneChecks.ts";
import type { Normalisation } from "../image/prepare.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import { surveyNeighbours } from "../transfer/nearestNeighbours.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

/** Images that a way of feeding pixels is judged by. */
const trialImages = 160;
/** Near-copies have features of this cosine at least; recoloured ones come down to it. */
const leastCosine = 0.8;

const third = (value: number) => [value, value, value] as const;
const pixelForms: readonly { readonly pixels: string; readonly normalisation: Normalisation }[] = [
  { pixels: "ImageNet's mean and deviation", normalisation: imagenetNormalisation },
  { pixels: "−1 to 1", normalisation: minusOneToOne },
  { pixels: "0 to 1", normalisation: { scale: third(1 / 255), offset: third(0) } },
  { pixels: "0 to 255", normalisation: { scale: third(1), offset: third(0) } },
  { pixels: "0 to 255 less ImageNet's mean", normalisation: caffeNormalisation },
];

/** What is known of the backbone's input; where its pixels had to be assumed, the usual ways are tried on some images. */
export async function* backboneFactsOf(job: Job, backbone: Backbone): AsyncGenerator<TaskEvent, BackboneFacts> {
  const { name, warnings } = backbone;
  const trials = warnings.length === 0 ? undefined : yield* pixelTrials(job, backbone);
  return { name, ownNormalisation: ownNormalisation(backbone), trials };
}

/** Those pairs whose features are alike too: a second opinion on what only looks alike in a thumbnail. */
export async function* resemblingFeatures(
  { images, platform, signal }: Job,
  backbone: Backbone,
  pairs: readonly LookAlike[],
): AsyncGenerator<TaskEvent, readonly LookAlike[]> {
  const wanted = [...new Set(pairs.flatMap(({ first, second }) => [first, second]))];
  if (wanted.length === 0) return pairs;
  const cache = await FeatureCache.open(backbone, images, platform);
  try {
    for await (const progress of cache.compute(wanted, signal)) {
      yield { type: "progress", phase: "features", ...progress };
    }
    const { floats } = await cache.data(wanted).load(
      Uint32Array.from(wanted, (_, at) => at),
      undefined,
    );
    const place = new Map(wanted.map((image, at) => [image, at]));
    const row = (image: number) => {
      const at = place.get(image) ?? 0;
      return floats.subarray(at * cache.width, (at + 1) * cache.width);
    };
    return pairs.filter(({ first, second }) => cosine(row(first), row(second)) >= leastCosine);
  } finally {
    await cache.dispose();
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, i) => {
    const other = b[i] ?? 0;
    ab += value * other;
    aa += value * value;
    bb += other * other;
  });
  return ab / Math.sqrt(aa * bb || 1);
}

async function* pixelTrials(job: Job, backbone: Backbone): AsyncGenerator<TaskEvent, readonly PixelTrial[]> {
  const trials: PixelTrial[] = [];
  const indices = drawn(job);
  const classes = job.labels.length;
  for (const { pixels, normalisation } of pixelForms) {
    const cache = await FeatureCache.open({ ...backbone, normalisation }, job.images, job.platform);
    try {
      for await (const progress of cache.compute(indices, job.signal)) {
        yield { type: "progress", phase: "features", ...progress };
      }
      const options = { classes, classWeights: undefined, images: indices.length };
      const { accuracy = 0 } = await surveyNeighbours(cache.data(indices), options, job.platform.engine);
      const isAssumed = JSON.stringify(normalisation) === JSON.stringify(backbone.normalisation);
      trials.push({ pixels, isAssumed, accuracy, images: indices.length });
    } finally {
      await cache.dispose();
    }
  }
  return trials;
}

/** Some training images, every class by its share. */
function drawn({ images, split: { train }, input: { seed } }: Job): readonly number[] {
  if (train.length <= trialImages) return train;
  const folds = foldsOf(images.samples, train, { count: Math.ceil(train.length / trialImages), seed });
  return train.filter((_, at) => folds[at] === 0).slice(0, trialImages);
}
