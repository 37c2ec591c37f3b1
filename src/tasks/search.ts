import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { SharedPrograms } from "../train/sharedPrograms.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import type { Weights } from "../transfer/strategy.ts";
import { conclude } from "./concludeSearch.ts";
import { initialWeights } from "./learn.ts";
import { openJob } from "./openJob.ts";
import { spaceText } from "./parseSpace.ts";
import { race } from "./race.ts";
import { absolutePaths, checkContent, contentOf, nameOfData, storedInput } from "./resume.ts";
import { RunFolder } from "./runFolder.ts";
import { type SearchInput, searchSchema } from "./searchInput.ts";
import { planSearch, type SearchPlan } from "./searchPlan.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { type Job, planOf } from "./trainPlan.ts";
import { TrialTable } from "./trialTable.ts";

/** `graft search`: the options of train that do best on the validation images, and how far that can be trusted. */
export const search: Task = defineTask({
  name: "search",
  summary: "Search for the options of train that do best: random search and successive halving",
  input: searchSchema,
  positionals: ["data"],
  async *run(asked, platform, signal, given) {
    const { resume } = asked;
    const command = { command: "search", schema: searchSchema };
    const input = resume === undefined ? asked : { ...(await storedInput(command, resume, given, platform)), resume };
    const { data } = input;
    if (data === undefined) throw new GraftError("usage", "search: give the data set, such as: graft search photos/");
    const plan = await planSearch(input, resume === undefined ? given : new Set(), platform);
    const shared = { ...platform, engine: new SharedPrograms(platform) };
    try {
      const job = yield* openJob(plan.input, data, shared, signal);
      yield* searchIn(yield* openFolder(input, plan, job), plan, job);
    } finally {
      await shared.engine.dispose();
    }
  },
});

async function* searchIn(folder: RunFolder, plan: SearchPlan, job: Job): AsyncGenerator<TaskEvent> {
  const { backbone, images, platform } = job;
  const table = await TrialTable.open(folder, plan.trials, platform);
  // A search that came to its end has none; asked to go on, it measures its best again on the test images.
  await platform.store.makeFolder(folder.file("checkpoints"));
  yield* announce(plan, table);
  const features = backbone && (await FeatureCache.open(backbone, images, platform));
  try {
    const own = features === undefined ? job : { ...job, features };
    const all = { plan, job: own, folder, table, solvedHead: yield* prepared(own, plan) };
    yield* race(all);
    yield* conclude(all);
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== "interrupted") throw error;
    throw new GraftError("interrupted", `stopped and saved. Continue with: graft search --resume ${folder.path}`);
  } finally {
    await features?.dispose();
  }
}

/** Claims a new folder and writes what the search is made of, or returns to the one that is resumed. */
async function* openFolder(
  input: SearchInput,
  { space, circumstances }: SearchPlan,
  job: Job,
): AsyncGenerator<TaskEvent, RunFolder> {
  const { platform } = job;
  if (input.resume !== undefined) {
    const folder = new RunFolder(input.resume, platform);
    const stored = z.object({ content: z.string() }).safeParse(await folder.readJson("config.json"));
    checkContent(input.resume, stored.data?.content, job);
    return folder;
  }
  const { out, resume, ...kept } = input;
  const wanted = out ?? platform.store.join("runs", `${nameOfData(input.data, platform)}-search`);
  const folder = await RunFolder.claim(wanted, platform);
  const { teacher, source, ...paths } = await absolutePaths(
    { ...input, teacher: undefined, source: undefined },
    platform,
  );
  // Options that are searched are not settings of the search: with them, this file would not configure another.
  const settings = Object.entries({ ...kept, ...paths, strategy: circumstances.strategy, space: spaceText(space) });
  const free = new Set<string>(space.keys());
  await folder.writeJson("config.json", {
    search: Object.fromEntries(settings.filter(([name]) => !free.has(name))),
    content: contentOf(job),
  });
  yield { type: "artefact", kind: "search", path: folder.path };
  return folder;
}

function* announce({ space, trials, rungs, circumstances }: SearchPlan, table: TrialTable): Generator<TaskEvent> {
  yield { type: "note", text: `searching ${circumstances.strategy}: ${trials.length} trials over ${spaceText(space)}` };
  const [first] = rungs;
  if (first !== undefined && first.trials > 0 && rungs.length > 1) {
    const stages = rungs.map(({ trials: count, epochs }) => `${count} for ${epochs} epochs`).join(", ");
    const solved = trials.length - first.trials;
    const others = solved === 0 ? "" : `; the ${solved} solved heads have no epochs and are measured once`;
    yield { type: "note", text: `successive halving: ${stages}, each going on where it stood${others}` };
  }
  const done = new Set(table.rows.map(({ trial }) => trial)).size;
  if (done > 0) yield { type: "note", text: `resuming: ${done} of ${trials.length} trials have been measured` };
}

/** What all trials share: features, each computed once, and the head at which fine-tuning begins. */
async function* prepared(job: Job, { circumstances }: SearchPlan): AsyncGenerator<TaskEvent, Weights | undefined> {
  const { features, split, signal } = job;
  if (features === undefined || circumstances.strategy === "scratch") return undefined;
  const isTuned = circumstances.strategy === "fine-tune";
  const wanted = isTuned ? split.train : [...split.train, ...split.validation, ...split.test];
  for await (const progress of features.compute(wanted, signal)) {
    yield { type: "progress", phase: "features", ...progress };
  }
  if (!isTuned) return undefined;
  const settings = { strategy: "feature-extraction", epochs: 1, learningRate: 1, augment: "none" } as const;
  const plan = yield* planOf({ ...job, input: { ...job.input, head: "linear" } }, settings);
  try {
    return yield* initialWeights(plan);
  } finally {
    await plan.dispose();
  }
}
