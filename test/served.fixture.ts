import { type ChildProcess, spawn } from "node:child_process";

/** A `graft serve` in a process of its own, as a user starts it. */
export interface Served {
  readonly url: string;
  /** What it has logged so far, line by line. */
  log(): readonly Record<string, unknown>[];
  /** Sends the signal and waits for the process to end. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Resolves when the server says where it listens. */
export function startServe(args: readonly string[], cwd: string): Promise<Served> {
  const child = spawn(process.execPath, [`${process.cwd()}/bin/graft.js`, "serve", ...args, "--port", "0"], { cwd });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
  return new Promise((resolve, reject) => {
    child.stderr.on("data", (chunk) => {
      err += chunk;
      const url = /at (http:\S+)/.exec(err)?.[1];
      if (url !== undefined) resolve({ url, log: () => linesOf(out), end: (signal) => end(child, closed, signal) });
    });
    void closed.then((code) => reject(new Error(`graft serve ended with ${code}: ${err}`)));
  });
}

function end(child: ChildProcess, closed: Promise<number | null>, signal: NodeJS.Signals = "SIGTERM") {
  child.kill(signal);
  return closed;
}

function linesOf(text: string): readonly Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
