/** The inside of a worker thread: one engine that answers `EngineRequest`s. Started by `workerEngine.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { GraftError, messageOf } from "../base/errors.ts";
import type { Program } from "../platform/platform.ts";
import { createEngine } from "./engine.ts";
import {
  type EngineReply,
  type EngineRequest,
  type EngineThreadOptions,
  fromPlain,
  type PlainTensors,
  toPlain,
} from "./engineMessages.ts";

const { threads, device }: EngineThreadOptions = workerData;
const engine = createEngine({ threads, device });
const programs = new Map<number, Program>();

parentPort?.on("message", async ({ id, request }: { readonly id: number; readonly request: EngineRequest }) => {
  parentPort?.postMessage({ id, reply: await answer(request).catch(failure) });
});

async function answer(request: EngineRequest): Promise<EngineReply> {
  switch (request.kind) {
    case "device":
      return { kind: "device", device: await engine.device() };
    case "compile": {
      const program = await engine.compile(request.model, request.options);
      programs.set(request.program, program);
      return { kind: "compiled", inputNames: program.inputNames, outputNames: program.outputNames };
    }
    case "run":
      return { kind: "outputs", outputs: await run(request) };
    case "dispose":
      await programs.get(request.program)?.dispose();
      programs.delete(request.program);
      return { kind: "disposed" };
  }
}

async function run({ program, feeds, into }: Extract<EngineRequest, { readonly kind: "run" }>): Promise<PlainTensors> {
  return toPlain(await programOf(program).run(fromPlain(feeds), fromPlain(into)));
}

function programOf(number: number): Program {
  const program = programs.get(number);
  if (program === undefined) throw new GraftError("system", "this program was disposed of; compile the model again.");
  return program;
}

function failure(thrown: unknown): EngineReply {
  return {
    kind: "failed",
    code: thrown instanceof GraftError ? thrown.code : undefined,
    message: messageOf(thrown),
  };
}
