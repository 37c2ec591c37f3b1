import { execFileSync } from "node:child_process";

/** Builds once before the tests: some start the `graft` command as a child process. */
export function setup(): void {
  for (const step of [["node_modules/typescript/bin/tsc", "-b"], ["bundle.js"]]) {
    execFileSync(process.execPath, step, { stdio: "inherit" });
  }
}
