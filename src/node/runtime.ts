import { availableParallelism } from "node:os";
import type { env, InferenceSession, Tensor } from "onnxruntime-common";
import { GraftError, messageOf } from "../base/errors.ts";

/** `native` is onnxruntime-node; `wasm` is onnxruntime-web, which runs wherever JavaScript does, at about half the speed. */
export type RuntimeName = "native" | "wasm";

/** What onnxruntime-node and onnxruntime-web have in common. */
export interface OrtModule {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
  readonly env: typeof env;
  /** Native builds tell which devices they know, and which they ship with. */
  readonly listSupportedBackends?: () => readonly { readonly name: string; readonly bundled: boolean }[];
}

/** A loaded ONNX Runtime and the one way in which the two differ. */
export interface Runtime {
  readonly ort: OrtModule;
  readonly provider: "cpu" | "wasm";
  /** Whether outputs given to `run` are written; the WASM build takes them and silently leaves them as they are. */
  readonly writesOutputs: boolean;
}

/** Where the two packages come from; tests pass broken ones. */
export interface RuntimeSources {
  native(): Promise<OrtModule>;
  wasm(): Promise<OrtModule>;
  warn(line: string): void;
}

const installed: RuntimeSources = {
  native: () => import("onnxruntime-node"),
  wasm: () => import("onnxruntime-web"),
  warn: (line) => process.stderr.write(`${line}\n`),
};

/**
 * Loads the runtime asked for; without a wish, the native one, or WASM and one warning line where native does not load.
 * `threads` counts for WASM alone, which fixes it once for the whole process.
 */
export async function loadRuntime(
  wish: RuntimeName | undefined,
  threads: number,
  sources: RuntimeSources = installed,
): Promise<Runtime> {
  if (wish === "wasm") return loadWasm(threads, sources);
  try {
    return await loadNative(sources);
  } catch (thrown) {
    if (wish === "native") throw nativeError(thrown);
    sources.warn(`warning: ${reason(thrown)}; running on WebAssembly, about half as fast. ${repair}`);
    return loadWasm(threads, sources);
  }
}

/** One thread per processor this process may use. With hyper-threads that is two per core, which costs matrix products a little. */
export function defaultThreads(): number {
  return availableParallelism();
}

const repair = 'To repair: "npm install onnxruntime-node".';

async function loadNative(sources: RuntimeSources): Promise<Runtime> {
  const ort = await sources.native();
  quiet(ort);
  return { ort, provider: "cpu", writesOutputs: true };
}

async function loadWasm(threads: number, sources: RuntimeSources): Promise<Runtime> {
  try {
    const ort = await sources.wasm();
    quiet(ort);
    ort.env.wasm.numThreads = threads;
    return { ort, provider: "wasm", writesOutputs: false };
  } catch (thrown) {
    throw new GraftError("system", `onnxruntime-web does not load: ${firstLine(thrown)}. Do "npm install" again.`, {
      cause: thrown,
    });
  }
}

/** The runtime's own log lines (devices it did not find, passes it skipped) are not for the user's terminal. */
function quiet(ort: OrtModule): void {
  ort.env.logLevel = "fatal";
}

function nativeError(thrown: unknown): GraftError {
  return new GraftError("system", `${reason(thrown)}. ${repair} Or choose the "wasm" runtime.`, { cause: thrown });
}

function reason(thrown: unknown): string {
  return `onnxruntime-node does not load (${firstLine(thrown)})`;
}

function firstLine(thrown: unknown): string {
  return messageOf(thrown).split("\n", 1)[0] ?? "";
}
