import { z } from "zod";
import { type ModelWeights, readWeights } from "../artefact/modelFile.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { backboneName } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { type Source, type SplitName, splitNames } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { openData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { modelBackbone } from "./modelBackbone.ts";
import { RunFolder } from "./runFolder.ts";
import { labelsOf, readRun } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";

/** What a run was trained on, and what its last layer judges by. */
export interface RunImages {
  readonly labels: readonly string[];
  /** The whole data set. */
  readonly source: Source;
  /** In which part an image was, by its id. */
  readonly partOf: ReadonlyMap<string, SplitName>;
  readonly backbone: Backbone;
}

const configSchema = z.object({
  train: z.object({
    data: z.string(),
    backbone: z.string().optional(),
    weights: z.string().optional(),
    group: z.string().optional(),
  }),
});
const list = z.array(z.string());
const splitsSchema = z.object({ train: list, validation: list, test: list });

/** Throws `input` for what no training of one kind of labels wrote, or where its images have moved. */
export async function* openRunImages(
  path: string,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, RunImages> {
  const { file, bytes } = await readRun(path, platform);
  const found = readWeights(bytes, file);
  const labels = labelsOf(found.answers, path);
  const folder = new RunFolder(path, platform);
  const config = configSchema.safeParse(await folder.readJson("config.json"));
  const splits = splitsSchema.safeParse(await folder.readJson("splits.json"));
  if (!config.success || !splits.success) {
    throw new GraftError(
      "input",
      `"${path}" does not tell what images it learned from; expected a run of graft train.`,
    );
  }
  const { data, group, ...network } = config.data.train;
  const backbone = isFrozen(found)
    ? yield* loadBackbone({ ...network, size: found.preparation.cropTo }, platform, signal)
    : undefined;
  const source = yield* openData(data, platform, { group });
  const partOf = new Map(splitNames.flatMap((name) => splits.data[name].map((id) => [id, name] as const)));
  const own = backbone && { ...backbone, preparation: found.preparation };
  return { labels, source, partOf, backbone: own ?? modelBackbone(bytes, file) };
}

/** Whether it judges by the features of a published network, which training has cached. */
function isFrozen({ hasBackbone, weights }: ModelWeights): boolean {
  return hasBackbone && ![...weights.keys()].some((name) => name.startsWith(`${backboneName}/`));
}
