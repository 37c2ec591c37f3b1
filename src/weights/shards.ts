import { z } from "zod";
import { GraftError, messageOf } from "../base/errors.ts";
import { decodeSafetensors } from "../base/safetensors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Store } from "../platform/platform.ts";

export const indexFile = "model.safetensors.index.json";

/** Which file holds each tensor; files lie beside the index. */
const indexSchema = z.object({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^(?!\.\.?$)[^/\\:\0]+$/, "expected the name of a file beside the index"),
  ),
});

/** The files that an index of sharded safetensors names. Throws `input`. */
export function shardNames(index: Uint8Array, fileName: string): readonly string[] {
  return [...new Set(Object.values(parseIndex(index, fileName)))].sort();
}

/** The tensors of sharded safetensors: those that the index names, each from its own file. Throws `input` or `model`. */
export async function readShards(index: Uint8Array, path: string, store: Store): Promise<ReadonlyMap<string, Tensor>> {
  const files = parseIndex(index, path);
  const tensors = new Map<string, Tensor>();
  for (const file of shardNames(index, path)) {
    const shard = store.join(store.absolute(path), "..", file);
    const { tensors: found } = decodeSafetensors(await store.read(shard), shard);
    for (const [name, at] of Object.entries(files)) {
      if (at !== file) continue;
      const tensor = found.get(name);
      if (tensor === undefined)
        throw new GraftError("model", `"${shard}" lacks "${name}", which "${path}" puts there.`);
      tensors.set(name, tensor);
    }
  }
  return tensors;
}

function parseIndex(index: Uint8Array, path: string): Readonly<Record<string, string>> {
  const wrong = (what: string) => new GraftError("input", `"${path}" is no index of sharded safetensors: ${what}.`);
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(index));
  } catch (error) {
    throw wrong(messageOf(error));
  }
  const parsed = indexSchema.safeParse(content);
  if (parsed.success) return parsed.data.weight_map;
  const [issue] = parsed.error.issues;
  throw wrong(`${issue?.path.join(".")}: ${issue?.message}`);
}
