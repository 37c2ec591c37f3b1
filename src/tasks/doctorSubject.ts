import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { RunFolder } from "./runFolder.ts";
import { parseInput } from "./task.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";

/** What is to be examined: a training as it was, or would be, asked for. */
export interface DoctorSubject {
  readonly input: TrainInput;
  readonly data: string;
  /** Where its history lies. */
  readonly run: RunFolder | undefined;
}

/** Understands a data set, a run folder or a configuration; `options` override what is stored. Throws `input` for what is none of them. */
export async function doctorSubject(
  subject: string,
  options: Readonly<Record<string, unknown>>,
  platform: Platform,
): Promise<DoctorSubject> {
  const { store } = platform;
  const run = new RunFolder(subject, platform);
  if ((await store.info(subject))?.kind === "folder" && (await run.has("config.json"))) {
    const input = storedInput(await run.readJson("config.json"), options, run.file("config.json"));
    return { input, data: dataOf(input, subject), run };
  }
  if (!/\.json$/i.test(subject)) {
    return { input: parseInput(trainSchema, { ...options, data: subject }, "doctor"), data: subject, run: undefined };
  }
  const input = storedInput(await readJson(subject, platform), options, subject);
  return { input, data: dataOf(input, subject), run: undefined };
}

/** The options of a run's config.json, or of a plain file with options of train. */
function storedInput(content: unknown, options: Readonly<Record<string, unknown>>, path: string): TrainInput {
  const stored = isRecord(content) && isRecord(content["train"]) ? content["train"] : content;
  if (!isRecord(stored)) throw new GraftError("input", `"${path}" must hold an object of options of train.`);
  const { resume: _resume, out: _out, strict: _strict, ...rest } = stored;
  return parseInput(trainSchema, { ...rest, ...options }, path);
}

function dataOf({ data }: TrainInput, path: string): string {
  if (data !== undefined) return data;
  throw new GraftError("input", `"${path}" names no data set; expected "data" among its options.`);
}

async function readJson(path: string, { store }: Platform): Promise<unknown> {
  if ((await store.info(path)) === undefined) throw new GraftError("input", `"${path}" does not exist.`);
  try {
    return JSON.parse(new TextDecoder().decode(await store.read(path)));
  } catch {
    throw new GraftError("input", `"${path}" is not JSON; expected the config.json of a run.`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
