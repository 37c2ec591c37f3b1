import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const colours = { red: [190, 80, 80], green: [80, 190, 80] } as const;

beforeAll(async () => {
  await writePhotos(join(cwd, "photos"), colours, 10, 40);
  for (const [out, seed] of [
    ["one", "0"],
    ["two", "1"],
  ] as const) {
    const train = ["train", "photos", "--epochs", "2", "--size", "24", "--seed", seed, "--out", out];
    const { code, err } = await graft(train, options);
    expect(code, err).toBe(0);
  }
});

/** A copy of the first run, to be spoilt. */
function copyOf(name: string): string {
  cpSync(join(cwd, "one"), join(cwd, name), { recursive: true });
  return name;
}

describe("graft verify", () => {
  it.each(["node", "wasm"])("finds that %s answers as the model did when it was saved", async (runtime) => {
    const { code, err, out } = await graft(["verify", "one", "--runtime", runtime, "--json"], options);
    expect(code, err).toBe(0);
    const { entries } = JSON.parse(out);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      runtime,
      agreement: { decode: 0, decodeWorst: 0, sameLabels: 4, images: 4 },
      disagreements: [],
    });
    expect(entries[0].agreement.prepare).toBeLessThanOrEqual(1);
    expect(entries[0].agreement.network).toBeLessThan(1e-4);
  });

  const python = pythonWithPackages();
  it.skipIf(python === undefined)(
    `asks Python too${python === undefined ? " (skipped: no Python with onnxruntime and Pillow; name one in GRAFT_PYTHON)" : ""}`,
    async () => {
      const { code, err, out } = await graft(["verify", "one", "--runtime", "all"], options);
      expect(code, err).toBe(0);
      for (const runtime of ["node", "wasm", "python"]) expect(out).toMatch(new RegExp(`^${runtime} .* agrees$`, "m"));
    },
  );

  it("says what to install where there is no Python", async () => {
    const env = { GRAFT_PYTHON: join(cwd, "no-python") };
    const { code, err } = await graft(["verify", "one", "--runtime", "python"], { ...options, env });
    expect(code).toBe(1);
    expect(err).toMatch(/no-python" does not start\. Install Python, or name it in GRAFT_PYTHON/);
    const all = await graft(["verify", "one", "--runtime", "all"], { ...options, env });
    expect(all.code, all.err).toBe(0);
    expect(all.err).toMatch(/python left out: .*no-python" does not start/);
    expect(all.out).toMatch(/^wasm .* agrees$/m);
  });

  it("fails for another model in the same folder, stage by stage", async () => {
    const run = copyOf("swapped");
    copyFileSync(join(cwd, "two/model.onnx"), join(cwd, run, "model.onnx"));
    const { code, err, out } = await graft(["verify", run], options);
    expect(code).toBe(1);
    expect(out).toMatch(/^node .* DIFFERS$/m);
    expect(err).toMatch(
      /"swapped" does not answer as it did when it was saved\. node: network is off by .*, 0.0001 is allowed/,
    );
  });

  it("fails for an image that was changed, and for a run without golden images", async () => {
    const changed = copyOf("changed");
    const [image = ""] = readdirSync(join(cwd, changed, "golden"));
    writeFileSync(join(cwd, changed, "golden", image), "another");
    const first = await graft(["verify", changed], options);
    expect(first.code).toBe(1);
    expect(first.err).toContain("is not the image that was saved: it was changed or damaged");
    rmSync(join(cwd, changed, "golden"), { recursive: true });
    const second = await graft(["verify", changed], options);
    expect(second.code).toBe(1);
    expect(second.err).toContain("has no golden images to compare with");
  });

  it("follows no path out of the folder of golden images", async () => {
    const run = copyOf("escaping");
    const expected = join(cwd, run, "golden/expected.safetensors");
    expect(existsSync(expected)).toBe(true);
    const bytes = execFileSync("sed", ["s/0\\.png/..\\/xx/", expected], { maxBuffer: 1e8 });
    writeFileSync(expected, bytes);
    const { code, err } = await graft(["verify", run], options);
    expect(code).toBe(1);
    expect(err).toContain("does not hold golden images as training writes them");
  });
});

function pythonWithPackages(): string | undefined {
  const python = process.env["GRAFT_PYTHON"] ?? "python3";
  try {
    execFileSync(python, ["-c", "import numpy, onnxruntime, PIL"], { stdio: "ignore" });
    return python;
  } catch {
    return undefined;
  }
}
