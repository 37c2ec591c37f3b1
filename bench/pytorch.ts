import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";

/** The other side: a Python process that times one job at a time. */
export class PyTorch {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(python: string, threads: number) {
    this.#process = spawn(python, ["bench/pytorch/worker.py", String(threads)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (this.#process.stdout === null) throw new Error("the worker has no output");
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Starts the worker in the environment that bench/README.md sets up; nothing when there is none. */
  static start(threads: number): PyTorch | undefined {
    const python = process.env["GRAFT_BENCH_PYTHON"] ?? "bench/.venv/bin/python";
    return existsSync(python) ? new PyTorch(python, threads) : undefined;
  }

  /** Milliseconds of one run. */
  async time(job: readonly string[]): Promise<number> {
    this.#process.stdin?.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the PyTorch worker ended");
    return Number(value);
  }

  stop(): void {
    this.#reader.close();
    this.#process.kill();
  }
}
