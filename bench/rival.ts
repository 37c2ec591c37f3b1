import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";

/** The other side of a row: a process that reads one job a line, runs it once and answers with milliseconds. */
export class Rival {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(command: string, options: readonly string[]) {
    this.#process = spawn(command, options, { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#process.stdout === null) throw new Error("the worker has no output");
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Milliseconds of one run. */
  async time(job: readonly string[]): Promise<number> {
    this.#process.stdin?.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the worker ended in the job ${job.join(" ")}`);
    return Number(value);
  }

  stop(): void {
    this.#reader.close();
    this.#process.kill();
  }
}

export type RivalName = "PyTorch" | "tfjs" | "onnxruntime-node";

/** Starts a rival in the environment that bench/README.md sets up; nothing when there is none. */
export function startRival(name: RivalName, threads: number): Rival | undefined {
  if (name === "onnxruntime-node") return new Rival("node", ["bench/onnxruntime/worker.mjs"]);
  if (name === "tfjs")
    return existsSync("bench/tfjs/node_modules") ? new Rival("node", ["bench/tfjs/worker.mjs"]) : undefined;
  const python = process.env["GRAFT_BENCH_PYTHON"] ?? "bench/.venv/bin/python";
  return existsSync(python) ? new Rival(python, ["bench/pytorch/worker.py", String(threads)]) : undefined;
}
