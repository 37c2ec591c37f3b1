import { z } from "zod";
import { type Card, cards } from "../backbones/cards.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Platform, RemoteFile } from "../platform/platform.ts";
import { parseRemoteFile } from "../weights/remoteFile.ts";
import { bringWeights } from "./bringWeights.ts";
import { type BackboneEntry, defineTask, type Task, type TaskEvent } from "./task.ts";

const millionParametersBytes = 4e6;

/** `graft backbones`: which weights there are, and bringing them. */
export const backbones: Task = defineTask({
  name: "backbones",
  summary: "List published weights and which of them are cached; pull brings them",
  input: z.object({
    action: z.enum(["list", "pull"]).default("list").describe("list, or pull to download"),
    names: z
      .array(z.string())
      .default([])
      .describe("weights to pull: resnet18.tv_in1k, hf://owner/name/file or https://…#sha256=…"),
  }),
  positionals: ["action", "names"],
  async *run({ action, names }, platform, signal) {
    if (action === "list") {
      yield { type: "backbones", entries: await Promise.all(cards.map((card) => entryOf(card, platform))) };
      return;
    }
    if (names.length === 0)
      throw new GraftError("usage", "backbones pull: expected the name of at least one backbone.");
    for (const wanted of names.map(wantedOf)) yield* pull(wanted, platform, signal);
  },
});

async function entryOf(
  { name, source, licence, top1, parameters, file }: Card,
  platform: Platform,
): Promise<BackboneEntry> {
  const cached = file === undefined ? undefined : await platform.fetcher.cached(file);
  const info = cached === undefined ? undefined : await platform.store.info(cached);
  const size = info?.size ?? (parameters === undefined ? undefined : parameters * millionParametersBytes);
  return { name, source, licence, top1, size, cached, isRemote: file !== undefined };
}

interface Wanted {
  readonly name: string;
  readonly file: RemoteFile;
  /** For people, where known. */
  readonly licence?: string;
}

/** The card of that name, or the file at that address; an architecture alone stands for its first weights. */
function wantedOf(name: string): Wanted {
  const file = parseRemoteFile(name);
  if (file !== undefined) return { name, file };
  const remote = cards.flatMap((card) => (card.file === undefined ? [] : [{ ...card, file: card.file }]));
  const found = remote.find((card) => card.name === name || card.name.startsWith(`${name}.`));
  if (found !== undefined) return found;
  const near = didYouMean(
    name,
    remote.map((card) => card.name),
  );
  throw new GraftError("usage", `no weights "${name}" are known.${near} "graft backbones" lists them.`);
}

/** Brings one file. */
async function* pull(
  { name, file, licence = "licence unknown" }: Wanted,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const before = await platform.fetcher.cached(file);
  const path = yield* bringWeights(file, platform, signal);
  yield { type: "note", text: `${name}: ${before === undefined ? "downloaded" : "was here already"} (${licence})` };
  yield { type: "artefact", kind: "weights", path };
}
