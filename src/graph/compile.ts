import { writeModelParts } from "../onnx/write.ts";
import type { CompileOptions, Engine, Program } from "../platform/platform.ts";
import { type Emission, emit } from "./emit.ts";

/** Compiles a graph with its constants, which the engine reads where they lie. */
export function compileGraph(emission: Emission, engine: Engine, options: CompileOptions = {}): Promise<Program> {
  const { bytes, externalData } = writeModelParts(emit(emission));
  return engine.compile(bytes, { ...options, externalData });
}
