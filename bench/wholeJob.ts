import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Job } from "./jobs.ts";

export interface TrainCommand {
  readonly data: string;
  readonly backbone: string;
  readonly epochs: number;
  readonly threads: number;
}

/** `graft train` as a user calls it: a process of its own, nothing in the cache, ten epochs to the end. */
export function trainingCommandJob({ data, backbone, epochs, threads }: TrainCommand): Job {
  return {
    async run() {
      const folder = await mkdtemp(join(tmpdir(), "graft-bench-"));
      try {
        const options = [
          "--backbone",
          backbone,
          "--strategy",
          "feature-extraction",
          "--head",
          "mlp",
          "--epochs",
          String(epochs),
          "--threads",
          String(threads),
          "--out",
          join(folder, "run"),
        ];
        await finished("node", ["bin/graft.js", "train", data, ...options], { GRAFT_CACHE: join(folder, "cache") });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    dispose: async () => {},
  };
}

/** What a command said, and its most resident memory in bytes where the system tells it. */
export interface Finished {
  readonly output: string;
  readonly peak: number;
}

/** Runs a command to its end. */
export async function finished(
  command: string,
  options: readonly string[],
  env: Record<string, string>,
): Promise<Finished> {
  const child = spawn(command, options, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (text: Buffer) => {
    output += text;
  });
  let told = "";
  child.stderr.on("data", (text: Buffer) => {
    told = (told + text).slice(-2000);
  });
  const peak = watchMemory(child.pid);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("exit", resolve);
    child.on("error", reject);
  });
  if (code !== 0) throw new Error(`${command} ${options.join(" ")} ended with ${code}:\n${told}`);
  return { output, peak: peak() };
}

/** The kernel's own high-water mark, read while the process lives (Linux); 0 elsewhere. */
function watchMemory(pid: number | undefined): () => number {
  let peak = 0;
  const read = async () => {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
  };
  const timer = setInterval(() => void read(), 200);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
