import { didYouMean, GraftError } from "../base/errors.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { InstanceImages } from "../transfer/instanceTransfer.ts";
import type { StrategyName } from "../transfer/strategy.ts";
import { openData, prepareData } from "./dataset.ts";
import type { TaskEvent } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";
import type { Job } from "./trainPlan.ts";

/**
 * The job's images and behind them those of `--source`, their labels matched by name; says which are left out: those of classes that the job
 * lacks, and those that are images of the job as well. Throws `usage` or `data` where nothing is left.
 */
export async function* openSourceImages(job: Job): AsyncGenerator<TaskEvent, InstanceImages> {
  const { input, images, labels, preparation, platform, signal } = job;
  const path = input.source ?? "";
  if (platform.store.absolute(path) === platform.store.absolute(input.data ?? "")) {
    throw new GraftError("usage", `--source: "${path}" is the very data set to be trained on. Give another one.`);
  }
  const opened = yield* openData(path, platform);
  const classOf = opened.labels.map((label) => labels.indexOf(label));
  refuseStrangers(path, opened.labels, job);
  const found = yield* prepareData(opened, preparation, platform, { strict: input.strict, signal });
  yield* tellOfClasses(opened.labels, found, labels);
  const known = new Set(images.keys);
  const ofClasses = found.samples.flatMap(({ label }, i) => ((classOf[label] ?? -1) >= 0 ? [i] : []));
  const kept = ofClasses.filter((i) => !known.has(found.keys[i] ?? ""));
  if (kept.length === 0) {
    const text = `--source: every image of "${path}" with a class of the target is one of the target's own, so it adds nothing. Give another data set.`;
    throw new GraftError("data", text);
  }
  if (kept.length < ofClasses.length) {
    const text = `${counted(ofClasses.length - kept.length, "source image")} left out, being in the target as well`;
    yield { type: "warning", text };
  }
  const samples = kept.map((i) => {
    const { id = "", label = 0 } = found.samples[i] ?? {};
    return { id: `${path}: ${id}`, label: classOf[label] ?? 0 };
  });
  const keys = kept.map((i) => found.keys[i] ?? "");
  return {
    images: { ...found, samples: [...images.samples, ...samples], keys: [...images.keys, ...keys] },
    source: samples.map((_, i) => images.samples.length + i),
  };
}

/** Throws `usage` for options about a source where there is none, and for what does not go with one. */
export function refuseStraySource(
  { source, weighting, head, augment }: TrainInput,
  strategy: StrategyName | "auto",
): void {
  const isWanted = strategy === "instance-transfer";
  const given = source !== undefined ? "--source" : weighting !== undefined ? "--weighting" : undefined;
  if (!isWanted && given !== undefined) {
    throw new GraftError(
      "usage",
      `${given} is for --strategy instance-transfer, not ${strategy}. Leave one of them out.`,
    );
  }
  if (!isWanted) return;
  if (source === undefined) {
    const text = "--strategy instance-transfer needs another labelled data set to learn from: give it with --source.";
    throw new GraftError("usage", text);
  }
  if (head !== "linear") {
    throw new GraftError("usage", `--head ${head} is for feature-extraction; instance-transfer solves a linear head.`);
  }
  if (augment !== undefined && augment !== "none") {
    throw new GraftError(
      "usage",
      "--augment is not for instance-transfer, which weighs images as they are. Leave it out.",
    );
  }
}

function refuseStrangers(path: string, found: readonly string[], { input, labels }: Job): void {
  if (found.some((label) => labels.includes(label))) return;
  throw new GraftError(
    "data",
    `--source: "${path}" and "${input.data}" have no class in common (source: ${found.join(", ")}; target: ${labels.join(", ")}). ` +
      `Classes are matched by their names.${didYouMean(found[0] ?? "", labels)}`,
  );
}

/** Classes that only one of the two has. */
function* tellOfClasses(
  ofSource: readonly string[],
  { samples }: PreparedImages,
  labels: readonly string[],
): Generator<TaskEvent> {
  const beyond = ofSource.filter((label) => !labels.includes(label));
  const missing = labels.filter((label) => !ofSource.includes(label));
  if (beyond.length > 0) {
    const count = samples.filter(({ label }) => beyond.includes(ofSource[label] ?? "")).length;
    const near = beyond.map((label) => didYouMean(label, missing)).find((hint) => hint !== "") ?? "";
    const text = `${counted(count, "source image")} left out, of classes that the target lacks: ${beyond.join(", ")}${near}`;
    yield { type: "warning", text };
  }
  if (missing.length > 0) {
    yield {
      type: "note",
      text: `classes that the source lacks are learned from the target alone: ${missing.join(", ")}`,
    };
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
