import { withStageFeatures } from "../backbones/stageFeatures.ts";
import { type Split, splitSamples, takeShots } from "../data/split.ts";
import { strataOf } from "../data/strata.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform } from "../platform/platform.ts";
import { parseAugmentation } from "./augmentOption.ts";
import { withBackboneChosen } from "./chooseBackbone.ts";
import { balancingWeights, weightsTold } from "./classWeights.ts";
import { openData, prepareData } from "./dataset.ts";
import { backboneOf, openEarlierRun } from "./earlierRun.ts";
import { checkColumns } from "./headTargetsOf.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { parseTargets } from "./targetsOption.ts";
import type { TaskEvent } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";
import { type Job, scratchPreparation } from "./trainPlan.ts";

/** A job whose images nobody has divided yet. */
export type OpenedJob = Omit<Job, "split" | "classWeights">;

/** Opens backbone and data set, prepares the images and splits them; says what was found. */
export async function* openJob(
  input: TrainInput,
  data: string,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, Job> {
  const opened = yield* openImages(input, data, platform, signal);
  const strata = strataOf(opened.images.samples, opened.source);
  const job = withSplit(opened, splitSamples(strata.samples, strata.labels, input, strata.by));
  for (const text of job.split.account) yield { type: "note", text };
  if (job.classWeights !== undefined) {
    const text = `classes are imbalanced, so each counts the same: weights ${weightsTold(job.classWeights, job.labels)}`;
    yield { type: "note", text };
  }
  return job;
}

/** Opens backbone and data set and prepares the images. */
export async function* openImages(
  asked: TrainInput,
  data: string,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, OpenedJob> {
  const startMs = platform.nowMs();
  parseAugmentation(asked.augment ?? "none");
  const input = yield* withBackboneChosen(asked, data, platform, signal);
  const earlier = input.init === undefined ? undefined : await openEarlierRun(input.init, input.backbone, platform);
  const size = input.size ?? earlier?.preparation.cropTo;
  const loaded = yield* loadBackbone({ ...input, size }, platform, signal);
  for (const text of loaded?.warnings ?? []) yield { type: "warning", text };
  const begun = loaded && (yield* backboneOf(earlier, loaded));
  const targets = input.targets === undefined ? undefined : parseTargets(input.targets);
  const source = yield* openData(data, platform, { group: input.group, targets });
  checkColumns(source, data);
  const kept = input.size === undefined ? earlier?.preparation : undefined;
  const usual = kept ?? begun?.preparation ?? (await scratchPreparation(source, input.size, platform));
  const preparation = cropped(usual, input.cropFraction);
  const prepared = begun && { ...begun, preparation };
  const backbone = prepared && input.features === "stages" ? withStageFeatures(prepared) : prepared;
  const images = yield* prepareData(source, preparation, platform, { strict: input.strict, signal });
  return { input, platform, signal, startMs, source, images, labels: source.labels, preparation, backbone, earlier };
}

/** The same side, of so much of the image. */
export function cropped(usual: Preparation, fraction: number | undefined): Preparation {
  return fraction === undefined ? usual : { ...usual, resizeTo: Math.round(usual.cropTo / fraction) };
}

/** With as many training images as were asked for, and the weights that let every class count the same. */
export function withSplit(opened: OpenedJob, whole: Split): Job {
  const { input, images, labels, source } = opened;
  const split = input.shots === undefined ? whole : takeShots(images.samples, labels, whole, input.shots, input.seed);
  if (source.targets !== undefined) return { ...opened, split, classWeights: undefined };
  const classWeights = balancingWeights(
    split.train.map((i) => images.samples[i]?.label ?? 0),
    labels.length,
  );
  return { ...opened, split, classWeights };
}
