import { z } from "zod";
import { cards } from "../backbones/cards.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { foldsOf } from "../data/folds.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Source } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import { surveyNeighbours } from "../transfer/nearestNeighbours.ts";
import { transferability } from "../transfer/transferability.ts";
import { openData, prepareData, withoutWarnings } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { defineTask, type RankingEntry, type Task, type TaskEvent } from "./task.ts";
import { trainSchema } from "./trainInput.ts";

const { shape } = trainSchema;

/** `graft rank`: which pretrained network fits the images best, before anything is trained. */
export const rank: Task = defineTask({
  name: "rank",
  summary: "Compare pretrained networks on your images by their features, without training",
  input: z.object({
    data: z.string().describe("data set in any form that train takes"),
    backbones: z
      .array(z.string())
      .default([])
      .describe(
        "ONNX files, names of graft backbones, or NAME=WEIGHTS with a file of weights (default: all whose weights are in the cache)",
      ),
    limit: z
      .number()
      .int()
      .min(20)
      .max(4000)
      .default(1000)
      .describe("images to compare on at most, drawn class by class; time grows with their cube"),
    size: shape.size.describe("side of the square that the networks see, in pixels (default: each one's own)"),
    seed: shape.seed.describe("decides which images are compared on, where there are more than --limit"),
    group: shape.group.describe(
      "manifest column or regular expression on the path: images of one group are drawn together",
    ),
    out: z.string().optional().describe("file for the table, as JSON"),
  }),
  positionals: ["data", "backbones"],
  async *run({ data, backbones, limit, size, seed, group, out }, platform, signal) {
    const wanted = backbones.length > 0 ? [...new Set(backbones)] : await cachedNames(platform);
    const source = yield* openData(data, platform, { group });
    const scored: RankingEntry[] = [];
    for (const name of wanted) {
      const startMs = platform.nowMs();
      const backbone = yield* loadBackbone({ ...(await partsOf(name, platform)), size }, platform, signal);
      if (backbone === undefined) continue;
      for (const text of backbone.warnings) yield { type: "warning", text };
      // Said once: every backbone meets the same files.
      const images = yield* scored.length === 0
        ? prepareData(source, backbone.preparation, platform, { strict: false, signal })
        : withoutWarnings(prepareData(source, backbone.preparation, platform, { strict: false, signal }));
      const scores = yield* score(backbone, images, { source, limit, seed, platform, signal });
      const seconds = (platform.nowMs() - startMs) / 1000;
      scored.push({ backbone: name, ...scores, seconds });
    }
    const order = scored.sort((a, b) => b.logMe - a.logMe);
    yield { type: "ranking", entries: order };
    if (out === undefined) return;
    await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(order, undefined, 2)}\n`));
    yield { type: "artefact", kind: "ranking", path: out };
  },
});

/** `resnet18=weights.pth` names a network and its weights; an ONNX file may have such a name too. */
async function partsOf(wanted: string, { store }: Platform) {
  const at = wanted.indexOf("=");
  if (at < 0 || (await store.info(wanted)) !== undefined) return { backbone: wanted, weights: undefined };
  return { backbone: wanted.slice(0, at), weights: wanted.slice(at + 1) };
}

async function cachedNames({ fetcher }: Platform): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name, file } of cards) {
    if (file !== undefined && (await fetcher.cached(file)) !== undefined) names.push(name);
  }
  if (names.length > 0) return names;
  throw new GraftError(
    "usage",
    "rank: no weights are in the cache yet. Name ONNX files after the data set, or bring some: graft backbones pull resnet18",
  );
}

interface Circumstances {
  readonly source: Source;
  readonly limit: number;
  readonly seed: number;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

async function* score(
  backbone: Backbone,
  images: PreparedImages,
  { source, limit, seed, platform, signal }: Circumstances,
): AsyncGenerator<TaskEvent, Omit<RankingEntry, "backbone" | "seconds">> {
  const classes = source.labels.length;
  const indices = drawn(images, limit, seed);
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
function drawn({ samples }: PreparedImages, limit: number, seed: number): readonly number[] {
  const train = samples.flatMap(({ split = "train" }, i) => (split === "train" ? [i] : []));
  if (train.length <= limit) return train;
  const count = Math.ceil(train.length / limit);
  const folds = foldsOf(samples, train, { count, seed });
  return train.filter((_, at) => folds[at] === 0).slice(0, limit);
}
