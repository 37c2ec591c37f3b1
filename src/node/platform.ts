import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { availableParallelism, homedir } from "node:os";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import type { Platform } from "../platform/platform.ts";
import { cacheDirOf } from "./cacheDir.ts";
import { createCodec } from "./codec.ts";
import { createEngine, type EngineOptions } from "./engine.ts";
import { createFetcher } from "./fetcher.ts";
import { inflate } from "./inflate.ts";
import { createStore } from "./store.ts";
import { createWorkerEngine } from "./workerEngine.ts";

export interface NodePlatformOptions extends EngineOptions {
  /** Default: `GRAFT_CACHE`, else the system's folder for caches. */
  readonly cacheDir?: string;
}

/** Everything that Graft needs from the outside, on Node.js. Nothing heavy is loaded until it is used. */
export function nodePlatform(options: NodePlatformOptions = {}): Platform {
  const cacheDir = options.cacheDir ?? cacheDirOf({ platform: process.platform, home: homedir(), env: process.env });
  return {
    engine: createEngine(options),
    workerEngine: (workers, threads = options.threads) =>
      createWorkerEngine({ ...options, workers, ...(threads === undefined ? {} : { threads }) }),
    codec: createCodec(),
    store: createStore(),
    fetcher: createFetcher(cacheDir),
    digest,
    checksum: (bytes) => crc32(bytes),
    inflate,
    nowMs: () => performance.now(),
    // In kilobytes on every system.
    peakMemoryBytes: () => 1024 * process.resourceUsage().maxRSS,
    otherRuntimes: {
      wasm: async (request, signal) => {
        const { runStages } = await import("../artefact/runStages.ts");
        const wasm = createEngine({ ...options, runtime: "wasm" });
        return runStages(request, { engine: wasm, codec: createCodec() }, signal);
      },
      web: async (request, signal) => (await import("./browserStages.ts")).runStagesInBrowser(request, signal),
      python: async (request, signal) => (await import("./pythonStages.ts")).runStagesInPython(request, signal),
    },
    pageFiles: async () => (await import("./pageFiles.ts")).readPageFiles(),
    packageFolder,
    parallelism: availableParallelism(),
    cacheDir,
  };
}

/** The hash of all parts, one after another. */
function digest(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** As seen from this package first, then from the user's folder. */
function packageFolder(name: string): string | undefined {
  for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // Not there: the next place may have it.
    }
  }
  return undefined;
}
