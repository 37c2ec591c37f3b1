import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Source } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { openData } from "./dataset.ts";
import { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";

/** Labelled images that a run did not learn from. */
export interface HeldOut {
  readonly source: Source;
  /** Those that choices may be made by. */
  readonly calibration: readonly string[];
  /** Those to be measured on: test images where there are any. */
  readonly measured: readonly string[];
  /** What these are called. */
  readonly part: string;
}

const ids = z.array(z.string());
const splitsSchema = z.object({ validation: ids, test: ids.default([]) });
const configSchema = z.object({ train: z.object({ data: z.string(), group: z.string().optional() }) });

/** All images of `data`, or what the run at `path` held out of its own. Throws `input` where the run does not say, `data` where there are none. */
export async function* heldOutOf(
  path: string,
  data: string | undefined,
  platform: Platform,
): AsyncGenerator<TaskEvent, HeldOut> {
  if (data !== undefined) {
    const source = yield* openData(data, platform);
    const all = source.samples.map(({ id }) => id);
    return { source, calibration: all, measured: all, part: data };
  }
  const folder = new RunFolder(path, platform);
  const splits = splitsSchema.safeParse(await folder.readJson("splits.json"));
  const config = configSchema.safeParse(await folder.readJson("config.json"));
  if (!splits.success || !config.success) {
    throw new GraftError("input", `"${path}" does not say which images it held out. Give labelled images with --data.`);
  }
  const { validation, test } = splits.data;
  if (validation.length === 0 && test.length === 0) {
    throw new GraftError("data", `"${path}" held no images out. Give labelled images with --data.`);
  }
  const { data: own, group } = config.data.train;
  const source = yield* openData(own, platform, { group });
  const calibration = validation.length > 0 ? validation : test;
  return test.length > 0
    ? { source, calibration, measured: test, part: "test" }
    : { source, calibration, measured: validation, part: "validation" };
}
