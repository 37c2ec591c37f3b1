import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const folder = "dist/bundle";

describe("the bundle", () => {
  it("loads for a prediction little code, and nothing of graphs, training or servers", () => {
    const { files, packages } = loadedBy(["main.js", "predict.js"]);
    const bytes = files.reduce((sum, file) => sum + readFileSync(join(folder, file)).length, 0);
    // 500 kB today, of which schemas, options and progress bars are most; the whole bundle has 2 MB.
    expect(bytes).toBeLessThan(600_000);
    expect(packages.filter((name) => !name.startsWith("node:"))).toEqual([]);
  });

  it("brings the licences of what it holds", () => {
    const text = readFileSync(join(folder, "LICENSES.txt"), "utf8");
    for (const holder of ["Colin McDonnell", "TJ Holowaychuk", "Andi Dittrich", "Google Inc."])
      expect(text).toContain(holder);
  });
});

/** What is loaded before anything runs: files of the bundle, and packages beside it. */
function loadedBy(entries: readonly string[]): {
  readonly files: readonly string[];
  readonly packages: readonly string[];
} {
  const files = new Set(entries);
  const packages = new Set<string>();
  for (const file of files) {
    for (const [, target = ""] of readFileSync(join(folder, file), "utf8").matchAll(
      /^(?:import|export)\b[^;"]*"([^"]+)";$/gm,
    )) {
      if (target.startsWith("./")) files.add(target.slice(2));
      else packages.add(target);
    }
  }
  return { files: [...files], packages: [...packages] };
}
