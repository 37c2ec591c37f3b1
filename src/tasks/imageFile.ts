import { GraftError } from "../base/errors.ts";
import type { Store } from "../platform/platform.ts";

/** The bytes of an image that a user names. Throws `input` with a plain reason where there is none. */
export async function readImageFile(file: string, store: Store): Promise<Uint8Array> {
  const info = await store.info(file);
  if (info === undefined) throw new GraftError("input", "does not exist");
  if (info.kind !== "file") throw new GraftError("input", "is not a file; give image files");
  return store.read(file);
}
