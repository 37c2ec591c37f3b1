import { execFileSync } from "node:child_process";

/** Builds once before the tests: some start the `graft` command as a child process. */
export function setup(): void {
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-b"], { stdio: "inherit" });
}
