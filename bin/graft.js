#!/usr/bin/env node
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const [modules, bundle] = ["dist/cli/main.js", "dist/bundle/main.js"].map(at);

// A published package brings dist/; a checkout builds it on first use.
if (!existsSync(modules)) build();
// In a checkout that was compiled since, the bundle is old: the modules answer, which start slower.
await import(isBundled() ? "../dist/bundle/main.js" : "../dist/cli/main.js");

function build() {
  const compiler = at("node_modules/typescript/bin/tsc");
  if (!existsSync(compiler)) {
    process.stderr.write("graft: this checkout is not installed. Run: npm ci\n");
    process.exit(1);
  }
  process.stderr.write("building Graft once, about 15 seconds…\n");
  try {
    for (const step of [[compiler, "-b"], [at("bundle.js")]]) {
      execFileSync(process.execPath, step, { cwd: at(""), stdio: ["ignore", 2, 2] });
    }
  } catch {
    process.stderr.write("graft: the build failed, see above. Run: npm run build\n");
    process.exit(1);
  }
}

function isBundled() {
  const changedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // A published package has none of these.
  const compilations = ["numeric", "core", "node", "web"].map((room) => at(`dist/${room}.tsbuildinfo`));
  return compilations.every((path) => changedMs(path) < changedMs(bundle));
}
