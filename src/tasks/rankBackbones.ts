import { cards } from "../backbones/cards.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { drawSome } from "../data/folds.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Source } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import { surveyNeighbours } from "../transfer/nearestNeighbours.ts";
import { transferability } from "../transfer/transferability.ts";
import { prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import type { RankingEntry, TaskEvent } from "./task.ts";

/** Images, at most, that backbones are compared on where nobody says how many. */
export const comparedOn = 1000;

export interface Comparison {
  readonly source: Source;
  /** Images to compare on at most. */
  readonly limit: number;
  /** Side that the networks see in pixels; by default each one's own. */
  readonly size: number | undefined;
  readonly seed: number;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/** Pretrained networks by how well their features fit the training images, the best by LogME first. */
export async function* rankBackbones(
  names: readonly string[],
  comparison: Comparison,
): AsyncGenerator<TaskEvent, readonly RankingEntry[]> {
  const { source, size, platform, signal } = comparison;
  const scored: RankingEntry[] = [];
  for (const name of names) {
    const startMs = platform.nowMs();
    const backbone = yield* loadBackbone({ ...(await partsOf(name, platform)), size }, platform, signal);
    if (backbone === undefined) continue;
    for (const text of backbone.warnings) yield { type: "warning", text };
    // Said once: every backbone meets the same files.
    const images = yield* scored.length === 0
      ? prepareData(source, backbone.preparation, platform, { strict: false, signal })
      : withoutWarnings(prepareData(source, backbone.preparation, platform, { strict: false, signal }));
    const scores = yield* score(backbone, images, comparison);
    const seconds = (platform.nowMs() - startMs) / 1000;
    scored.push({ backbone: name, ...scores, seconds });
  }
  return scored.sort((a, b) => b.logMe - a.logMe);
}

/** `resnet18=weights.pth` names a network and its weights; an ONNX file may have such a name too. */
async function partsOf(wanted: string, { store }: Platform) {
  const at = wanted.indexOf("=");
  if (at < 0 || (await store.info(wanted)) !== undefined) return { backbone: wanted, weights: undefined };
  return { backbone: wanted.slice(0, at), weights: wanted.slice(at + 1) };
}

/** The names of all published weights that are in the cache. Throws `usage` when there are none. */
export async function cachedNames({ fetcher }: Platform): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name, file } of cards) {
    if (file !== undefined && (await fetcher.cached(file)) !== undefined) names.push(name);
  }
  if (names.length > 0) return names;
  throw new GraftError(
    "usage",
    "no weights are in the cache yet. Name ONNX files instead, or bring some: graft backbones pull resnet18",
  );
}

async function* withoutWarnings<T>(events: AsyncGenerator<TaskEvent, T>): AsyncGenerator<TaskEvent, T> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    if (next.value.type !== "warning") yield next.value;
  }
}

async function* score(
  backbone: Backbone,
  images: PreparedImages,
  { source, limit, seed, platform, signal }: Comparison,
): AsyncGenerator<TaskEvent, Omit<RankingEntry, "backbone" | "seconds">> {
  const classes = source.labels.length;
  const training = images.samples.flatMap(({ split = "train" }, i) => (split === "train" ? [i] : []));
  const indices = drawSome(images.samples, training, { limit, seed });
  if (classes < 2 || indices.length < 2 * classes) {
    throw new GraftError(
      "data",
      `rank: ${indices.length} usable images of ${classes} classes; two classes and two images of each are needed at least.`,
    );
  }
  const cache = await FeatureCache.open(backbone, images, platform);
  try {
    for await (const progress of cache.compute(indices, signal)) {
      yield { type: "progress", phase: "features", ...progress };
    }
    const data = cache.data(indices);
    const { floats: values } = await data.load(
      Uint32Array.from(indices, (_, i) => i),
      undefined,
    );
    const labels = Int32Array.from(indices, (i) => images.samples[i]?.label ?? 0);
    const rows = { values, count: indices.length, width: cache.width };
    const options = { classes, classWeights: undefined, images: indices.length };
    const { accuracy } = await surveyNeighbours(data, options, platform.engine);
    const scores = transferability(rows, labels, classes);
    return { ...scores, neighbours: accuracy, images: indices.length, width: cache.width };
  } finally {
    await cache.dispose();
  }
}

/** Training images, `limit` at most: whole folds of as many as that takes, so that every class keeps its share. */
