import { didYouMean, GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { climb } from "./climb.ts";
import { compareWithTeacher } from "./compareWithTeacher.ts";
import { learn } from "./learn.ts";
import { openJob } from "./openJob.ts";
import { RunFolder } from "./runFolder.ts";
import { saveRun } from "./saveRun.ts";
import { defineTask, parseInput, type Task, type TaskEvent } from "./task.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";
import { type Job, patience, planOf, settingsOf, strategyOf } from "./trainPlan.ts";

/** `graft train`: a folder of photos becomes a run folder with a model in it. */
export const train: Task = defineTask({
  name: "train",
  summary: "Train a classifier on a folder of photos",
  input: trainSchema,
  positionals: ["data"],
  async *run(asked, platform, signal, given) {
    const wanted = asked.resume === undefined ? asked : await resumedInput(asked.resume, given, platform);
    const { data } = wanted;
    if (data === undefined) throw new GraftError("usage", "train: give the data set, such as: graft train photos/");
    const strategy = strategyOf(wanted);
    const input = { ...wanted, strategy, ...(strategy === "auto" ? {} : settingsOf(wanted, strategy)) };
    const job = yield* openJob(input, data, platform, signal);
    if (strategy === "auto") return yield* climb(job, yield* openRun(job));
    const settings = settingsOf(input, strategy);
    const plan = yield* planOf(job, settings);
    try {
      const folder = yield* openRun(job);
      const learned = yield* learn(job, { plan, settings }, folder);
      if (learned === undefined) return;
      yield* saveRun(job, learned, folder);
      yield* compareWithTeacher(job, folder);
    } finally {
      await plan.dispose();
    }
  },
});

/** Claims a new run folder and writes its configuration, or returns to the one that is resumed. */
async function* openRun(job: Job): AsyncGenerator<TaskEvent, RunFolder> {
  const { input, platform, split, images, labels, classWeights } = job;
  const ids = (indices: readonly number[]) => indices.map((i) => images.samples[i]?.id ?? "");
  const content = platform.digest(new TextEncoder().encode(JSON.stringify([images.keys, ids(split.train), labels])));
  if (input.resume !== undefined) {
    const folder = new RunFolder(input.resume, platform);
    const stored = (await folder.readJson("splits.json")) as { readonly content?: unknown };
    if (stored.content !== content) {
      throw new GraftError(
        "data",
        `"${input.resume}" cannot be resumed: the images or their labels have changed since it began. Start a new run.`,
      );
    }
    return folder;
  }
  const { store } = platform;
  const name = store.baseName(input.data ?? "run").replace(/\.(tar\.gz|tgz|tar|csv|npz)$/i, "");
  const folder = await RunFolder.claim(input.out ?? store.join("runs", name), platform);
  const absolute = {
    data: input.data && store.absolute(input.data),
    backbone: await absoluteFile(input.backbone, store),
    weights: await absoluteFile(input.weights, store),
    teacher: input.teacher && store.absolute(input.teacher),
  };
  await folder.writeJson("splits.json", {
    content,
    account: split.account,
    train: ids(split.train),
    validation: ids(split.validation),
    test: ids(split.test),
  });
  await folder.writeJson("config.json", {
    train: { ...input, ...absolute, out: folder.path },
    labels,
    classWeights: classWeights ?? null,
    earlyStopping: { monitor: "val_loss", patience, restoreBestWeights: true },
    loss: "sparseCategoricalCrossentropy",
  });
  yield { type: "artefact", kind: "run", path: folder.path };
  return folder;
}

/** Files are remembered by their whole path; names and addresses as they are. */
async function absoluteFile(path: string | undefined, store: Platform["store"]): Promise<string | undefined> {
  return path !== undefined && (await store.info(path)) !== undefined ? store.absolute(path) : path;
}

/** The settings of an earlier run. */
async function resumedInput(path: string, given: ReadonlySet<string>, platform: Platform): Promise<TrainInput> {
  const { store } = platform;
  const others = [...given].filter((name) => name !== "resume");
  if (others.length > 0) {
    throw new GraftError(
      "usage",
      `--resume continues a run with the settings it began with; leave out ${others.map((name) => `"${name}"`).join(", ")}, or start a new run.`,
    );
  }
  if ((await store.info(path)) === undefined) {
    const parent = store.join(path, "..");
    const siblings = (await store.info(parent)) === undefined ? [] : (await store.list(parent)).map(({ name }) => name);
    throw new GraftError("input", `--resume: "${path}" does not exist.${didYouMean(store.baseName(path), siblings)}`);
  }
  const stored = (await new RunFolder(path, platform).readJson("config.json")) as { readonly train?: unknown };
  return { ...parseInput(trainSchema, stored.train, "config.json"), resume: path };
}
