import { cards } from "../backbones/cards.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform, RemoteFile } from "../platform/platform.ts";
import { fetchWeights } from "../weights/fetchWeights.ts";
import type { TaskEvent } from "./task.ts";
import { whileWorking } from "./whileWorking.ts";

/** Brings a weights file into the cache, or finds it there, telling the progress by the percent; its path. Throws `network`. */
export async function* bringWeights(
  file: RemoteFile,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, string> {
  return yield* whileWorking(async (tell) => {
    let percent = -1;
    const progress = (done: number, total: number | undefined) => {
      if (total === undefined || Math.floor((100 * done) / total) === percent) return;
      percent = Math.floor((100 * done) / total);
      tell({ type: "progress", phase: "download", unit: "bytes", done, total });
    };
    try {
      return await fetchWeights(file, platform, { signal, progress });
    } catch (thrown) {
      throw await withCached(thrown, platform);
    }
  });
}

/** Without the network it helps to know what is here. */
async function withCached(failure: unknown, { fetcher }: Platform): Promise<unknown> {
  if (!(failure instanceof GraftError) || failure.code !== "network") return failure;
  const names: string[] = [];
  for (const { name, file } of cards) {
    if (file !== undefined && (await fetcher.cached(file)) !== undefined) names.push(name);
  }
  const here = names.length === 0 ? "No backbone is cached yet." : `Cached already: ${names.join(", ")}.`;
  return new GraftError("network", `${failure.message} ${here}`, { cause: failure });
}
