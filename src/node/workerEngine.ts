import { Worker } from "node:worker_threads";
import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { CompileOptions, DeviceName, DeviceWish, Feeds, Program, WorkerEngine } from "../platform/platform.ts";
import {
  type EngineReply,
  type EngineRequest,
  type EngineThreadOptions,
  fromPlain,
  toPlain,
} from "./engineMessages.ts";
import { defaultThreads } from "./runtime.ts";
import { checkAligned } from "./signature.ts";

export interface WorkerEngineOptions {
  /** Worker threads, each with the whole model; default 1. */
  readonly workers?: number;
  /** Processor threads inside one operator; default: the processors, divided among the workers. */
  readonly threads?: number;
  readonly device?: DeviceWish;
}

/**
 * An engine for servers: ONNX Runtime computes on the thread that calls it, for as long as a run takes, so here that is another thread.
 * Programs are compiled in every worker, and a run goes to the one with the least to do.
 */
export function createWorkerEngine({ workers = 1, threads, device = "cpu" }: WorkerEngineOptions = {}): WorkerEngine {
  const share = threads ?? Math.max(1, Math.floor(defaultThreads() / workers));
  const pool = Array.from({ length: workers }, () => new EngineWorker({ threads: share, device }));
  let programs = 0;
  return {
    device: () => deviceOf(pool),
    compile: (model, options) => WorkerProgram.compile(pool, programs++, model, options),
    close: async () => {
      await Promise.all(pool.map((worker) => worker.close()));
    },
  };
}

async function deviceOf([worker]: readonly EngineWorker[]): Promise<DeviceName> {
  const reply = await worker?.ask({ kind: "device" });
  return reply?.kind === "device" ? reply.device : "cpu";
}

class WorkerProgram implements Program {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #pool: readonly EngineWorker[];
  readonly #number: number;
  readonly #running = new Set<Promise<unknown>>();
  #disposing: Promise<void> | undefined;

  private constructor(
    pool: readonly EngineWorker[],
    number: number,
    names: { readonly inputNames: readonly string[]; readonly outputNames: readonly string[] },
  ) {
    this.#pool = pool;
    this.#number = number;
    this.inputNames = names.inputNames;
    this.outputNames = names.outputNames;
  }

  static async compile(
    pool: readonly EngineWorker[],
    program: number,
    model: Uint8Array,
    options: CompileOptions = {},
  ): Promise<WorkerProgram> {
    const replies = await Promise.all(pool.map((worker) => worker.ask({ kind: "compile", program, model, options })));
    const [first] = replies;
    if (first?.kind !== "compiled") throw new GraftError("system", "a worker thread did not compile the model.");
    return new WorkerProgram(pool, program, first);
  }

  async run(feeds: Feeds, into: Feeds = {}): Promise<Record<string, Tensor>> {
    if (this.#disposing !== undefined) {
      throw new GraftError("system", "this program was disposed of; compile the model again to run it.");
    }
    for (const [name, target] of Object.entries(into)) checkAligned(name, target);
    const worker = this.#pool.reduce((best, next) => (next.pending < best.pending ? next : best));
    const asked = worker.ask({ kind: "run", program: this.#number, feeds: toPlain(feeds), into: toPlain(into) });
    this.#running.add(asked);
    try {
      const reply = await asked;
      return reply.kind === "outputs" ? writeInto(fromPlain(reply.outputs), into) : {};
    } finally {
      this.#running.delete(asked);
    }
  }

  dispose(): Promise<void> {
    this.#disposing ??= this.#release();
    return this.#disposing;
  }

  async #release(): Promise<void> {
    await Promise.allSettled(this.#running);
    await Promise.allSettled(this.#pool.map((worker) => worker.ask({ kind: "dispose", program: this.#number })));
  }
}

/** Threads share no memory here, so what was to be written in place is copied there. */
function writeInto(outputs: Record<string, Tensor>, into: Feeds): Record<string, Tensor> {
  for (const [name, target] of Object.entries(into)) {
    const output = outputs[name];
    if (output === undefined) continue;
    target.bytes.set(output.bytes);
    outputs[name] = target;
  }
  return outputs;
}

interface Waiting {
  resolve(reply: EngineReply): void;
  reject(error: GraftError | Error): void;
}

/** `dist/node/` seen from `src/node/` and from itself: threads run what is built, also in tests. */
const threadFile = new URL("../../dist/node/engineThread.js", import.meta.url);

/** One thread and what it was asked. */
class EngineWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #ended: string | undefined;

  constructor(options: EngineThreadOptions) {
    this.#worker = new Worker(threadFile, { workerData: options });
    this.#worker.on("message", ({ id, reply }: { readonly id: number; readonly reply: EngineReply }) => {
      this.#settle(id, reply);
    });
    this.#worker.on("error", (error) => this.#end(`a worker thread failed: ${error.message}`));
    this.#worker.on("exit", () => this.#end("the worker thread has ended; load the model again."));
    // An application that is done ends, whether or not it closed its engines.
    this.#worker.unref();
  }

  get pending(): number {
    return this.#waiting.size;
  }

  ask(request: EngineRequest): Promise<EngineReply> {
    if (this.#ended !== undefined) return Promise.reject(new GraftError("system", this.#ended));
    const id = this.#asked++;
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request });
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(id: number, reply: EngineReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.kind !== "failed") return waiting?.resolve(reply);
    const { code, message } = reply;
    waiting?.reject(code === undefined ? new Error(message) : new GraftError(code, message));
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    for (const { reject } of this.#waiting.values()) reject(new GraftError("system", this.#ended));
    this.#waiting.clear();
  }
}
