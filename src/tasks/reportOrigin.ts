import { GraftError } from "../base/errors.ts";
import type { Source } from "../data/source.ts";
import { splitNames } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { openData } from "./dataset.ts";
import type { RunRecords } from "./reportRecords.ts";
import type { TaskEvent } from "./task.ts";

/** Where the images of a report lie, if they are found, and what is known of their content. */
export interface ReportOrigin {
  readonly path: string | undefined;
  readonly source: Source | undefined;
  /** Why there is no source. */
  readonly reason: string;
  /** By image. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Opens the data set that a part of the answers is about: `data` where it is given, else what the run names. */
export async function* openOrigin(
  { config, splits }: RunRecords,
  {
    data,
    part,
    isOwn,
  }: { readonly data: string | undefined; readonly part: string | undefined; readonly isOwn: boolean },
  platform: Platform,
): AsyncGenerator<TaskEvent, ReportOrigin> {
  const { train, adapt } = config;
  const own = adapt === undefined ? train?.data : part === "source" ? adapt.source : adapt.target;
  const path = data ?? (isOwn ? own : undefined);
  const hashes = isOwn && adapt === undefined ? hashesOf(splits) : new Map<string, string>();
  if (path === undefined) {
    return {
      path,
      source: undefined,
      reason: "Name the data set of these predictions with --data to see images.",
      hashes,
    };
  }
  if (train?.targets !== undefined && data === undefined) {
    return { path, source: undefined, reason: "Images of runs with several targets are not shown.", hashes };
  }
  try {
    const source = yield* openData(path, platform, { group: data === undefined ? train?.group : undefined });
    return { path, source, reason: "", hashes };
  } catch (error) {
    if (data !== undefined || !(error instanceof GraftError)) throw error;
    const reason = `The images are not where they were: ${error.message} If they lie elsewhere now, name the place with --data.`;
    return { path, source: undefined, reason, hashes };
  }
}

function hashesOf(splits: RunRecords["splits"]): ReadonlyMap<string, string> {
  return new Map(
    splitNames.flatMap((part) =>
      (splits?.[part] ?? []).flatMap((id, i): readonly (readonly [string, string])[] => {
        const hash = splits?.hashes?.[part][i];
        return hash === undefined ? [] : [[id, hash]];
      }),
    ),
  );
}
