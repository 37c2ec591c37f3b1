import type { InferenceSession } from "onnxruntime-common";
import type { CompileOptions, DeviceName, DeviceWish, Engine, Program } from "../platform/platform.ts";
import { chooseDevice } from "./device.ts";
import { compileProgram } from "./program.ts";
import { defaultThreads, loadRuntime, type Runtime, type RuntimeName } from "./runtime.ts";

export interface EngineOptions {
  /** Threads inside one operator, where `compile` does not say. Default: one per processor. */
  readonly threads?: number;
  /** Default: native, with WASM and a warning where native does not load. */
  readonly runtime?: RuntimeName;
  /** Default: the CPU. */
  readonly device?: DeviceWish;
  /** Where the line goes that tells the choice of a device. Default: standard error. */
  readonly say?: (line: string) => void;
}

/** An engine over ONNX Runtime, which is loaded at the first compilation and not before: it costs a tenth of a second. */
export function createEngine(options: EngineOptions = {}): Engine {
  const threads = options.threads ?? defaultThreads();
  const say = options.say ?? ((line: string) => process.stderr.write(`${line}\n`));
  let loading: Promise<Started> | undefined;
  const start = async (): Promise<Started> => {
    const runtime = await loadRuntime(options.runtime, threads);
    return { runtime, device: await chooseDevice(options.device ?? "cpu", runtime, say) };
  };
  const started = () => {
    loading ??= start();
    return loading;
  };
  return {
    device: async () => (await started()).device,
    async compile(model: Uint8Array, compileOptions: CompileOptions = {}): Promise<Program> {
      const { runtime, device } = await started();
      return compileProgram(runtime, model, sessionOptions(runtime, device, { threads, ...compileOptions }));
    },
  };
}

interface Started {
  readonly runtime: Runtime;
  readonly device: DeviceName;
}

function sessionOptions(
  runtime: Runtime,
  device: DeviceName,
  options: CompileOptions,
): InferenceSession.SessionOptions {
  const keepMemory = options.releaseMemory !== true;
  return {
    executionProviders: device === "cpu" ? [runtime.provider] : [device, runtime.provider],
    intraOpNumThreads: options.threads ?? defaultThreads(),
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: keepMemory,
    // Planned memory is a second copy of the arena's, and steps are no faster for it.
    enableMemPattern: false,
    // Only fatal lines: what goes wrong comes back as an error, and that is enough.
    logSeverityLevel: 4,
  };
}
