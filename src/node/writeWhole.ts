import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { failure } from "./fileError.ts";

/**
 * Writes a file so that a reader sees the old or the new bytes and never a part, also after a crash: the bytes go to a temporary file
 * in the same folder, are synced, and take the name in one step. Of several writers at once, the last one wins.
 */
export async function writeWhole(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.graft-${randomBytes(8).toString("hex")}.tmp`);
  try {
    await writeSynced(temporary, bytes instanceof Uint8Array ? [bytes] : bytes);
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw failure("writing", path, thrown);
  }
  await syncFolder(folder);
}

async function writeSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, "wx");
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name outlive a power cut. Windows and some network disks refuse; then the system's own timing must do. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder);
    await handle.sync().finally(() => handle.close());
  } catch {
    // Refused: the file itself is whole and synced.
  }
}
