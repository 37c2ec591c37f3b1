import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { RunFolder } from "./runFolder.ts";
import { parseInput } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";
import type { Job } from "./trainPlan.ts";

/** The settings with which a command began the work in a folder. Throws where others are `given` beside it, or it is not there. */
export async function storedInput<S extends z.ZodObject>(
  { command, schema }: { readonly command: string; readonly schema: S },
  path: string,
  given: ReadonlySet<string>,
  platform: Platform,
): Promise<z.output<S>> {
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
  const stored = z
    .record(z.string(), z.unknown())
    .safeParse(await new RunFolder(path, platform).readJson("config.json"));
  const own = stored.data?.[command];
  if (own === undefined) {
    const [other = ""] = Object.keys(stored.data ?? {});
    throw new GraftError(
      "input",
      `--resume: "${path}" was not written by "graft ${command}": its config.json begins with "${other}".`,
    );
  }
  return parseInput(schema, own, "config.json");
}

/** A digest of the images, their labels and who trains: what a run must find again to go on. */
export function contentOf({ images, split, labels, source, platform }: Job): string {
  const ids = split.train.map((i) => images.samples[i]?.id ?? "");
  const answers = images.samples.map(({ label, targets }) => (source.targets === undefined ? label : targets));
  return platform.digest(new TextEncoder().encode(JSON.stringify([images.keys, ids, labels, answers])));
}

/** Throws `data` when a folder's work began with other images or labels. */
export function checkContent(path: string, stored: unknown, job: Job): void {
  if (stored === contentOf(job)) return;
  throw new GraftError(
    "data",
    `"${path}" cannot be resumed: the images or their labels have changed since it began. Start a new run.`,
  );
}

/** The inputs that name files, by whole paths; names and addresses as they are. */
export async function absolutePaths(
  {
    data,
    backbone,
    weights,
    teacher,
    init,
    source,
  }: Pick<TrainInput, "data" | "backbone" | "weights" | "teacher" | "init" | "source">,
  { store }: Platform,
) {
  const file = async (path: string | undefined) =>
    path !== undefined && (await store.info(path)) !== undefined ? store.absolute(path) : path;
  return {
    data: data && store.absolute(data),
    backbone: await file(backbone),
    weights: await file(weights),
    teacher: teacher && store.absolute(teacher),
    init: init && store.absolute(init),
    source: source && store.absolute(source),
  };
}

/** What a folder of results is called after its data. */
export function nameOfData(data: string | undefined, { store }: Platform): string {
  return store.baseName(data ?? "run").replace(/\.(tar\.gz|tgz|tar|csv|npz)$/i, "");
}
