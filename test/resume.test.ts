import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stream } from "../src/base/random.ts";
import { graft } from "./graft.fixture.ts";
import { isLong } from "./long.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const cache = join(cwd, "cache");
const train = [
  "train",
  "photos",
  "--epochs",
  "6",
  "--batch-size",
  "8",
  "--size",
  "16",
  "--augment",
  "horizontalFlip,rotationRange=10",
];
const moments = isLong ? 10 : 4;
let unbroken: Buffer;
let durationMs = 0;

beforeAll(async () => {
  await writePhotos(
    join(cwd, "photos"),
    { red: [150, 110, 110], green: [110, 150, 110], blue: [110, 110, 150] },
    40,
    24,
  );
  const startMs = performance.now();
  const { code, err } = await graft([...train, "--out", "whole"], { cwd, cache });
  durationMs = performance.now() - startMs;
  expect(code, err).toBe(0);
  unbroken = readFileSync(join(cwd, "whole/model.onnx"));
});

describe("a run that was cut off", () => {
  it(`ends at the same bytes after kill -9 at ${moments} random moments`, async () => {
    const random = stream(3, "kills");
    let continued = 0;
    // On a busy machine more of them come before the first checkpoint.
    for (let i = 0; i < moments || (continued < moments / 4 && i < 40); i++) {
      const out = `killed${i}`;
      // Not before the folder exists: without it there is nothing to resume.
      const killed = await graft([...train, "--out", out], {
        cwd,
        cache,
        kill: { afterMs: random.uniform(0.35, 1) * durationMs, signal: "SIGKILL" },
      });
      const begun = killed.err.includes(`run: ${out}`);
      if (!begun) continue;
      const { code, err } = await graft(["train", "--resume", out], { cwd, cache });
      expect(code, err).toBe(0);
      if (err.includes("resuming in epoch")) continued++;
      expect(readFileSync(join(cwd, out, "model.onnx")).equals(unbroken)).toBe(true);
    }
    // Else every run began anew, and nothing was shown.
    expect(continued).toBeGreaterThanOrEqual(moments / 4);
  }, 300_000);

  it("finishes its step at Ctrl-C, saves, and says how to go on", async () => {
    const stopped = await graft([...train, "--out", "stopped"], {
      cwd,
      cache,
      killAt: { pattern: /epoch 1\/6/, signal: "SIGINT" },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain("graft train --resume stopped");
    const { code, err } = await graft(["train", "--resume", "stopped"], { cwd, cache });
    expect(code, err).toBe(0);
    expect(readFileSync(join(cwd, "stopped/model.onnx")).equals(unbroken)).toBe(true);
  }, 120_000);
});
