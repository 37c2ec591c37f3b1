import type { InferenceSession } from "onnxruntime-common";
import { type DType, dtypeBytes } from "../base/dtypes.ts";
import { GraftError, messageOf } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Engine, Feeds, Program } from "../platform/platform.ts";
import * as ort from "./ort.wasm.bundle.min.mjs";

/** An engine over onnxruntime-web, in the page that it is called in. */
export function createBrowserEngine(): Engine {
  // Threads need memory that is shared, which browsers give to isolated pages alone.
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  ort.env.logLevel = "error";
  return { device: () => Promise.resolve("cpu"), compile };
}

async function compile(model: Uint8Array): Promise<Program> {
  try {
    return new BrowserProgram(await ort.InferenceSession.create(model, { executionProviders: ["wasm"] }));
  } catch (thrown) {
    throw new GraftError("model", `the model does not start in this browser: ${messageOf(thrown)}`, { cause: thrown });
  }
}

class BrowserProgram implements Program {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #session: InferenceSession;

  constructor(session: InferenceSession) {
    this.#session = session;
    this.inputNames = [...session.inputNames];
    this.outputNames = [...session.outputNames];
  }

  async run(feeds: Feeds, into: Feeds = {}): Promise<Record<string, Tensor>> {
    const given = Object.entries(feeds).map(
      ([name, { dtype, data, shape }]) => [name, new ort.Tensor(dtype, data, shape)] as const,
    );
    const results = await this.#session.run(Object.fromEntries(given));
    const found: Record<string, Tensor> = {};
    for (const [name, { type, data, dims }] of Object.entries(results)) {
      if (!isDType(type) || !ArrayBuffer.isView(data))
        throw new GraftError("model", `output "${name}" holds values of type ${type}; Graft holds numbers only.`);
      const tensor = new Tensor(type, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      into[name]?.bytes.set(tensor.bytes);
      found[name] = into[name] ?? tensor;
    }
    return found;
  }

  dispose(): Promise<void> {
    return this.#session.release();
  }
}

function isDType(type: string): type is DType {
  return Object.hasOwn(dtypeBytes, type);
}
