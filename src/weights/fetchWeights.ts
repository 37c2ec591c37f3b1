import type { FetchOptions, Platform, RemoteFile } from "../platform/platform.ts";
import { shardNames } from "./shards.ts";

/** Brings a weights file, and with an index of sharded safetensors every file that it names; the path of the first. Throws as `Fetcher.fetch`. */
export async function fetchWeights(
  file: RemoteFile,
  { fetcher, store }: Pick<Platform, "fetcher" | "store">,
  options: FetchOptions,
): Promise<string> {
  const path = await fetcher.fetch(file, options);
  if (file.kind === "hub" && file.file.endsWith(".safetensors.index.json")) {
    const folder = file.file.split("/").slice(0, -1);
    for (const shard of shardNames(await store.read(path), path)) {
      await fetcher.fetch(
        { kind: "hub", repository: file.repository, revision: file.revision, file: [...folder, shard].join("/") },
        options,
      );
    }
  }
  return path;
}
