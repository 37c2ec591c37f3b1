import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the compiled scripts lie that browsers run. */
export const scriptFolder = fileURLToPath(new URL("../", import.meta.url));

/** What these scripts expect beside them, and what that needs itself. */
export const runtimeFiles = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"] as const;

export function runtimePath(name: (typeof runtimeFiles)[number]): string {
  return join(dirname(createRequire(import.meta.url).resolve("onnxruntime-web")), name);
}

/** The page, its scripts under `graft/` and onnxruntime-web, by path. */
export async function readPageFiles(): Promise<ReadonlyMap<string, Uint8Array>> {
  const page = fileURLToPath(new URL("../../page/", import.meta.url));
  const files = new Map<string, Uint8Array>();
  for (const name of ["index.html", "style.css"]) files.set(name, await readFile(join(page, name)));
  for (const [path, script] of await scriptsFrom("web/page.js")) files.set(`graft/${path}`, Buffer.from(script));
  for (const name of runtimeFiles) files.set(`graft/web/${name}`, await readFile(runtimePath(name)));
  return files;
}

/** A script and all that it imports, without the way to its source, which is not there. */
async function scriptsFrom(entry: string): Promise<ReadonlyMap<string, string>> {
  const scripts = new Map<string, string>();
  const open = [entry];
  for (const path of open) {
    if (scripts.has(path)) continue;
    const script = await readFile(join(scriptFolder, path), "utf8");
    scripts.set(path, script.replace(/^\/\/# sourceMappingURL=.*$/m, ""));
    for (const [, target = ""] of script.matchAll(/^(?:import|export)\b[^"]*"(\.[^"]+\.js)"/gm)) {
      open.push(posix.join(posix.dirname(path), target));
    }
  }
  return scripts;
}
