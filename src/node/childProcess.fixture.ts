import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a module in a Node process of its own, with `env` added; `$/x.js` in it means the built `src/node/x.ts`. */
export async function runScript(script: string, env: Readonly<Record<string, string>> = {}): Promise<Printed> {
  const folder = await mkdtemp(join(tmpdir(), "graft-script-"));
  const path = join(folder, "script.mjs");
  try {
    await writeFile(path, script.replaceAll("$/", new URL("../../dist/node/", import.meta.url).href));
    return await promisify(execFile)(process.execPath, [path], { timeout: 60_000, env: { ...process.env, ...env } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
