import { GraftError } from "../base/errors.ts";
import { openSource } from "../data/openSource.ts";
import type { Platform } from "../platform/platform.ts";
import { cachedNames, comparedOn, rankBackbones } from "./rankBackbones.ts";
import type { TaskEvent } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";

/** What stands for the network in the cache that fits the images best. */
const open = "auto";

/** The input with the cached network whose features fit the training images best by LogME, where it leaves the choice open. */
export async function* withBackboneChosen(
  input: TrainInput,
  data: string,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, TrainInput> {
  const { backbone, weights, size, seed, group } = input;
  if (backbone !== open) return input;
  if (weights !== undefined) {
    throw new GraftError("usage", "--backbone auto chooses among the weights in the cache: leave --weights out.");
  }
  const names = await cachedNames(platform);
  const source = await openSource(data, platform, { group });
  const entries = yield* rankBackbones(names, { source, limit: comparedOn, size, seed, platform, signal });
  const [best] = entries;
  if (best === undefined) throw new Error("no network was ranked");
  yield { type: "ranking", entries };
  const text = `backbone: ${best.backbone}, whose features fit best of ${entries.length} in the cache (LogME on ${best.images} images)`;
  yield { type: "note", text };
  return { ...input, backbone: best.backbone };
}
