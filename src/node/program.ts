import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import { GraftError } from "../base/errors.ts";
import { showShape } from "../base/shapes.ts";
import { Tensor } from "../base/tensor.ts";
import type { Feeds, Program } from "../platform/platform.ts";
import type { PlacementWatch } from "./placement.ts";
import type { Runtime } from "./runtime.ts";
import { runtimeError, wrongTarget } from "./runtimeError.ts";
import { checkFeeds, checkInto, isDType } from "./signature.ts";

/** Builds a session over `model`, whose first run `watch` sees. Throws `model` when the runtime refuses it. */
export async function compileProgram(
  runtime: Runtime,
  model: Uint8Array,
  options: InferenceSession.SessionOptions,
  watch?: PlacementWatch,
): Promise<Program> {
  if (model.byteLength === 0) throw new GraftError("model", "the model is empty: 0 bytes, expected an ONNX file.");
  try {
    const session = await runtime.ort.InferenceSession.create(model, { ...options, ...watch?.options });
    return new Session(runtime, session, watch);
  } catch (thrown) {
    await watch?.end();
    throw runtimeError("the model does not compile", thrown);
  }
}

/** A run logs on its own account: the session's level does not count. */
const quiet: InferenceSession.RunOptions = { logSeverityLevel: 4 };

class Session implements Program {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #watch: PlacementWatch | undefined;
  readonly #running = new Set<Promise<unknown>>();
  #disposing: Promise<void> | undefined;

  constructor(runtime: Runtime, session: InferenceSession, watch: PlacementWatch | undefined) {
    this.#runtime = runtime;
    this.#watch = watch;
    this.#session = session;
    this.inputNames = [...session.inputNames];
    this.outputNames = [...session.outputNames];
  }

  async run(feeds: Feeds, into: Feeds = {}): Promise<Record<string, Tensor>> {
    if (this.#disposing !== undefined) {
      throw new GraftError("system", "this program was disposed of; compile the model again to run it.");
    }
    checkFeeds(this.#session.inputMetadata, feeds);
    checkInto(this.#session.outputMetadata, into);
    const results = this.#call(feeds, into);
    this.#running.add(results);
    try {
      return this.#runtime.writesOutputs ? adopt(await results, into) : copy(await results, into);
    } catch (thrown) {
      throw runtimeError("the model does not run", thrown);
    } finally {
      this.#running.delete(results);
      if (this.#running.size === 0) await this.#watch?.end(this.#session);
    }
  }

  /** Waits for runs under way, then gives the memory back. */
  dispose(): Promise<void> {
    this.#disposing ??= this.#release();
    return this.#disposing;
  }

  async #release(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#watch?.end(this.#session);
    await this.#session.release();
  }

  #call(feeds: Feeds, into: Feeds): Promise<InferenceSession.ReturnType> {
    const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, this.#lend(tensor)]));
    if (!this.#runtime.writesOutputs) return this.#session.run(inputs, quiet);
    const outputs: Record<string, OrtTensor | null> = {};
    for (const name of this.outputNames) {
      const target = into[name];
      outputs[name] = target === undefined ? null : this.#lend(target);
    }
    return this.#session.run(inputs, outputs, quiet);
  }

  /** The runtime's tensor over the same memory. */
  #lend(tensor: Tensor): OrtTensor {
    return new this.#runtime.ort.Tensor(tensor.dtype, tensor.data, tensor.shape);
  }
}

/** Results whose memory is either the runtime's or that of `into`, which it has written. */
function adopt(results: InferenceSession.ReturnType, into: Feeds): Record<string, Tensor> {
  const adopted: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(results)) adopted[name] = into[name] ?? borrow(name, value);
  return adopted;
}

/** The same, for a runtime that does not write into given memory. */
function copy(results: InferenceSession.ReturnType, into: Feeds): Record<string, Tensor> {
  const copied: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(results)) {
    const source = borrow(name, value);
    const target = into[name];
    if (target !== undefined) overwrite(name, target, source);
    copied[name] = target ?? source;
  }
  return copied;
}

function overwrite(name: string, target: Tensor, source: Tensor): void {
  const [given, computed] = [showShape(target.shape), showShape(source.shape)];
  if (given !== computed) throw wrongTarget(name, given, computed);
  target.bytes.set(source.bytes);
}

/** A tensor over the memory that the runtime returned. */
function borrow(name: string, { type, data, dims }: OrtTensor): Tensor {
  if (isDType(type) && ArrayBuffer.isView(data)) {
    return new Tensor(type, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  throw new GraftError(
    "model",
    `output "${name}" holds values of type ${type}; Graft holds numbers and booleans only.`,
  );
}
