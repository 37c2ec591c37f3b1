import { GraftError } from "../base/errors.ts";
import { climb } from "./climb.ts";
import { compareWithSource } from "./compareWithSource.ts";
import { compareWithTeacher } from "./compareWithTeacher.ts";
import { learn } from "./learn.ts";
import { openJob } from "./openJob.ts";
import { absolutePaths, checkContent, contentOf, nameOfData, storedInput } from "./resume.ts";
import { RunFolder } from "./runFolder.ts";
import { saveRun } from "./saveRun.ts";
import { openSourceImages } from "./sourceImages.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { trainSchema } from "./trainInput.ts";
import { type Job, patienceOf, planOf, settingsOf, strategyOf } from "./trainPlan.ts";

/** `graft train`: a folder of photos becomes a run folder with a model in it. */
export const train: Task = defineTask({
  name: "train",
  summary: "Train a classifier on a folder of photos",
  input: trainSchema,
  positionals: ["data"],
  async *run(asked, platform, signal, given) {
    const { resume } = asked;
    const command = { command: "train", schema: trainSchema };
    const wanted = resume === undefined ? asked : { ...(await storedInput(command, resume, given, platform)), resume };
    const { data } = wanted;
    if (data === undefined) throw new GraftError("usage", "train: give the data set, such as: graft train photos/");
    const strategy = strategyOf(wanted);
    const input = { ...wanted, strategy, ...(strategy === "auto" ? {} : settingsOf(wanted, strategy)) };
    const job = yield* openJob(input, data, platform, signal);
    if (strategy === "auto") return yield* climb(job, yield* openRun(job));
    const settings = settingsOf(input, strategy);
    if (strategy === "instance-transfer") {
      const pool = yield* openSourceImages(job);
      return yield* compareWithSource(job, { settings, pool }, yield* openRun({ ...job, images: pool.images }));
    }
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
  const { input, platform, split, images, labels, classWeights, source } = job;
  if (input.resume !== undefined) {
    const folder = new RunFolder(input.resume, platform);
    const stored = (await folder.readJson("splits.json")) as { readonly content?: unknown };
    checkContent(input.resume, stored.content, job);
    return folder;
  }
  const ids = (indices: readonly number[]) => indices.map((i) => images.samples[i]?.id ?? "");
  const keys = (indices: readonly number[]) => indices.map((i) => images.keys[i] ?? "");
  const wanted = input.out ?? platform.store.join("runs", nameOfData(input.data, platform));
  const folder = await RunFolder.claim(wanted, platform);
  await folder.writeJson("splits.json", {
    content: contentOf(job),
    account: split.account,
    train: ids(split.train),
    validation: ids(split.validation),
    test: ids(split.test),
    hashes: { train: keys(split.train), validation: keys(split.validation), test: keys(split.test) },
  });
  await folder.writeJson("config.json", {
    train: { ...input, ...(await absolutePaths(input, platform)), out: folder.path },
    ...(source.targets === undefined
      ? { labels, classWeights: classWeights ?? null, loss: "sparseCategoricalCrossentropy" }
      : { targets: source.targets }),
    earlyStopping: {
      monitor: "val_loss",
      ...(input.epochs === undefined ? {} : { patience: patienceOf(input.epochs) }),
      restoreBestWeights: true,
    },
  });
  yield { type: "artefact", kind: "run", path: folder.path };
  return folder;
}
