#!/usr/bin/env node
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// A published package brings dist/; a checkout builds it on first use.
const built = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(built)) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
  if (!existsSync(compiler)) {
    process.stderr.write("graft: this checkout is not installed. Run: npm ci\n");
    process.exit(1);
  }
  process.stderr.write("building Graft once, about 15 seconds…\n");
  try {
    execFileSync(process.execPath, [compiler, "-b"], { cwd: root, stdio: ["ignore", 2, 2] });
  } catch {
    process.stderr.write("graft: the build failed, see above. Run: npm run build\n");
    process.exit(1);
  }
}
await import(built.href);
