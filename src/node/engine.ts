import type { InferenceSession } from "onnxruntime-common";
import type { CompileOptions, Engine, Program } from "../platform/platform.ts";
import { compileProgram } from "./program.ts";
import { defaultThreads, loadRuntime, type Runtime, type RuntimeName } from "./runtime.ts";

export interface EngineOptions {
  /** Threads inside one operator, where `compile` does not say. Default: one per processor. */
  readonly threads?: number;
  /** Default: native, with WASM and a warning where native does not load. */
  readonly runtime?: RuntimeName;
}

/** An engine over ONNX Runtime, which is loaded at the first compilation and not before: it costs a tenth of a second. */
export function createEngine(options: EngineOptions = {}): Engine {
  const threads = options.threads ?? defaultThreads();
  let loading: Promise<Runtime> | undefined;
  return {
    async compile(model: Uint8Array, compileOptions: CompileOptions = {}): Promise<Program> {
      loading ??= loadRuntime(options.runtime, threads);
      const runtime = await loading;
      return compileProgram(runtime, model, sessionOptions(runtime, { threads, ...compileOptions }));
    },
  };
}

function sessionOptions(runtime: Runtime, options: CompileOptions): InferenceSession.SessionOptions {
  const keepMemory = options.releaseMemory !== true;
  return {
    executionProviders: [runtime.provider],
    intraOpNumThreads: options.threads ?? defaultThreads(),
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: keepMemory,
    enableMemPattern: keepMemory,
    // Only fatal lines: what goes wrong comes back as an error, and that is enough.
    logSeverityLevel: 4,
  };
}
