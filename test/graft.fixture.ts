import { spawn } from "node:child_process";

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly cache: string;
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the process with this signal after so many milliseconds. */
  readonly kill?: { readonly afterMs: number; readonly signal: NodeJS.Signals };
  /** Ends it when standard error first matches. */
  readonly killAt?: { readonly pattern: RegExp; readonly signal: NodeJS.Signals };
}

/** Runs the `graft` command as a user does. */
export function graft(args: readonly string[], { cwd, cache, env, kill, killAt }: RunOptions): Promise<Outcome> {
  const child = spawn(process.execPath, [`${process.cwd()}/bin/graft.js`, ...args], {
    cwd,
    env: { ...process.env, ...env, GRAFT_CACHE: cache },
  });
  let out = "";
  let err = "";
  let signalled = false;
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
    if (killAt?.pattern.test(err) && !signalled) {
      // Once: a second Ctrl-C means something else.
      signalled = true;
      child.kill(killAt.signal);
    }
  });
  const timer = kill && setTimeout(() => child.kill(kill.signal), kill.afterMs);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, out, err });
    });
  });
}
