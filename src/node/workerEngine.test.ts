import { afterAll, describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { engineContract } from "../platform/engine.fixture.ts";
import { identity } from "../platform/onnxModel.fixture.ts";
import type { WorkerEngine } from "../platform/platform.ts";
import { createWorkerEngine } from "./workerEngine.ts";

const opened: WorkerEngine[] = [];
const open = (workers: number) => {
  const engine = createWorkerEngine({ workers, threads: 1 });
  opened.push(engine);
  return engine;
};
afterAll(async () => {
  for (const engine of opened) await engine.close();
});

engineContract("an engine on one thread of its own", () => open(1));
engineContract("an engine on two threads", () => open(2));

describe("an engine on threads of its own", () => {
  it("fails what is asked of it after it was closed", async () => {
    const engine = createWorkerEngine({ threads: 1 });
    const program = await engine.compile(identity("float32", [1, 3]));
    await engine.close();
    const feeds = { [program.inputNames[0] ?? ""]: Tensor.float32([1, 3], [1, 2, 3]) };
    await expect(program.run(feeds)).rejects.toMatchObject({ code: "system" });
  });
});
