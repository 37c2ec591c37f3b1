import { GraftError } from "../base/errors.ts";
import { findDuplicates } from "../data/duplicates.ts";
import type { ManifestOptions } from "../data/manifest.ts";
import { openSource } from "../data/openSource.ts";
import { type PreparedImages, prepareImages } from "../data/preparedImages.ts";
import type { Problem, Source } from "../data/source.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform } from "../platform/platform.ts";
import { columnsTold } from "./columnsTold.ts";
import type { TaskEvent } from "./task.ts";

/** Opens a data set and says what was found. */
export async function* openData(
  path: string,
  platform: Platform,
  options: ManifestOptions = {},
): AsyncGenerator<TaskEvent, Source> {
  const source = await openSource(path, platform, options);
  yield { type: "note", text: `${path}: ${source.description}, ${source.samples.length} images` };
  for (const text of columnsTold(source)) yield { type: "note", text };
  return source;
}

/** Prepares all images, with progress; lists what had to be left out, or stops at it when `strict`. */
export async function* prepareData(
  source: Source,
  preparation: Preparation,
  platform: Platform,
  { strict, signal }: { readonly strict: boolean; readonly signal: AbortSignal },
): AsyncGenerator<TaskEvent, PreparedImages> {
  const work = prepareImages(source, preparation, platform, signal);
  for (;;) {
    const next = await work.next();
    if (!next.done) {
      yield { type: "progress", phase: "images", ...next.value };
      continue;
    }
    yield* complain(next.value, strict);
    return next.value;
  }
}

function* complain({ problems, samples, keys }: PreparedImages, strict: boolean): Generator<TaskEvent> {
  if (problems.length > 0) {
    const text = `${problems.length} file${problems.length === 1 ? "" : "s"} left out: ${listed(problems)}`;
    if (strict) throw new GraftError("data", `--strict: ${text}. Remove or repair them, or run without --strict.`);
    yield { type: "warning", text };
  }
  const duplicates = findDuplicates(samples, keys);
  const conflicting = duplicates.filter((group) => group.conflicting);
  const leaking = duplicates.filter((group) => group.leaking);
  if (conflicting.length > 0) {
    const text = `${conflicting.length} image${conflicting.length === 1 ? " is" : "s are"} filed under two classes: ${sameFiles(conflicting)}`;
    if (strict) throw new GraftError("data", `--strict: ${text}. Keep one label each.`);
    yield { type: "warning", text };
  }
  if (leaking.length > 0) {
    yield {
      type: "warning",
      text: `${leaking.length} image${leaking.length === 1 ? " is" : "s are"} in two splits, so figures flatter: ${sameFiles(leaking)}`,
    };
  }
}

function listed(problems: readonly Problem[]): string {
  const shown = problems.slice(0, 20).map(({ id, reason }) => `"${id}" (${reason})`);
  return [...shown, ...(problems.length > 20 ? [`and ${problems.length - 20} more`] : [])].join(", ");
}

function sameFiles(groups: readonly { readonly ids: readonly string[] }[]): string {
  const shown = groups.slice(0, 5).map(({ ids }) => ids.map((id) => `"${id}"`).join(" = "));
  return [...shown, ...(groups.length > 5 ? [`and ${groups.length - 5} more`] : [])].join(", ");
}

/** The same work without its warnings, for who tells what is wrong in another way or has told it already. */
export async function* withoutWarnings<T>(events: AsyncGenerator<TaskEvent, T>): AsyncGenerator<TaskEvent, T> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    if (next.value.type !== "warning") yield next.value;
  }
}
