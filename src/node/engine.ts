import type { InferenceSession } from "onnxruntime-common";
import type { CompileOptions, DeviceName, DeviceWish, Engine, Program } from "../platform/platform.ts";
import { type Placement, PlacementWatch, showPlacement } from "./placement.ts";
import { compileProgram } from "./program.ts";
import { defaultThreads, loadRuntime, type Runtime, type RuntimeName } from "./runtime.ts";

export interface EngineOptions {
  /** Threads inside one operator, where `compile` does not say. Default: one per processor. */
  readonly threads?: number;
  /** Default: native, with WASM and a warning where native does not load. */
  readonly runtime?: RuntimeName;
  /** Default: the CPU. */
  readonly device?: DeviceWish;
  /** Where the lines go that tell the choice of a device, and what it leaves to the CPU. Default: standard error. */
  readonly say?: (line: string) => void;
}

/** An engine over ONNX Runtime, which is loaded at the first compilation and not before: it costs a tenth of a second. */
export function createEngine(options: EngineOptions = {}): Engine {
  const threads = options.threads ?? defaultThreads();
  const say = options.say ?? ((line: string) => process.stderr.write(`${line}\n`));
  let loading: Promise<Started> | undefined;
  const start = async (): Promise<Started> => {
    const runtime = await loadRuntime(options.runtime, threads);
    const { device: wish = "cpu" } = options;
    return { runtime, device: wish === "cpu" ? wish : await (await devices()).chooseDevice(wish, runtime, say) };
  };
  const started = () => {
    loading ??= start();
    return loading;
  };
  const named = new Set<string>();
  /** Once for each operator, with the program that needs it first. */
  const tell = (placement: Placement) => {
    const operators = [...placement.onCpu.keys()];
    const line = operators.every((operator) => named.has(operator)) ? undefined : showPlacement(placement);
    if (line !== undefined) say(line);
    for (const operator of operators) named.add(operator);
  };
  return {
    device: async () => (await started()).device,
    async compile(model: Uint8Array, compileOptions: CompileOptions = {}): Promise<Program> {
      const { runtime, device } = await started();
      const executionProviders =
        device === "cpu" ? [runtime.provider] : (await devices()).providersFor(device, runtime, model);
      const watch = device === "cpu" ? undefined : await PlacementWatch.start(tell);
      const session = { ...sessionOptions({ threads, ...compileOptions }), executionProviders };
      return compileProgram(runtime, model, session, watch);
    },
  };
}

/** Loaded when one is asked for: trying it writes graphs, and the code for that takes longer to load than the CPU to be chosen. */
const devices = () => import("./device.ts");

interface Started {
  readonly runtime: Runtime;
  readonly device: DeviceName;
}

function sessionOptions(options: CompileOptions): InferenceSession.SessionOptions {
  const keepMemory = options.releaseMemory !== true;
  return {
    intraOpNumThreads: options.threads ?? defaultThreads(),
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: keepMemory,
    // Planned memory is a second copy of the arena's, and steps are no faster for it.
    enableMemPattern: false,
    ...(options.externalData === undefined
      ? {}
      : { externalData: [...options.externalData].map(([path, data]) => ({ path, data })) }),
    // Only fatal lines: what goes wrong comes back as an error, and that is enough.
    logSeverityLevel: 4,
  };
}
