import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const size = (path: string) => statSync(join(cwd, path)).size;

beforeAll(async () => {
  await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80] }, 30, 40);
  const { code, err } = await graft(["train", "photos", "--epochs", "4", "--size", "32", "--out", "run"], options);
  expect(code, err).toBe(0);
});

describe("graft export", () => {
  it("writes weights in float16, half the size, with the same answers", async () => {
    const { code, err, out } = await graft(["export", "run", "--to", "onnx-fp16"], options);
    expect(code, err).toBe(0);
    expect(size("run/model-onnx-fp16.onnx") / size("run/model.onnx")).toBeLessThan(0.6);
    expect(out).toMatch(/onnx-fp16 .* 5 of 5 .* agrees/);
    await sameAnswers("run/model-onnx-fp16.onnx", 0.01);
  });

  it("writes 8 bits, calibrated on held-out images, a third of the size or less", async () => {
    const { code, err } = await graft(["export", "run", "--to", "onnx-int8", "--out", "small.onnx"], options);
    expect(code, err).toBe(0);
    expect(err).toContain("calibrated on 12 held-out images");
    expect(err).toMatch(/as trained +[\d.]+ +\d+ +[\d.]+ %\n *onnx-int8/);
    expect(size("small.onnx") / size("run/model.onnx")).toBeLessThan(0.35);
    await sameAnswers("small.onnx", 0.1);
  });

  it("writes what was trained as it is", async () => {
    const { code, err } = await graft(["export", "run", "--to", "onnx", "--out", "same.onnx"], options);
    expect(code, err).toBe(0);
    expect(readFileSync(join(cwd, "same.onnx")).equals(readFileSync(join(cwd, "run/model.onnx")))).toBe(true);
  });

  it("takes other labelled images with --data, and needs some", async () => {
    const other = ["export", "run", "--to", "onnx-int8", "--out", "other.onnx", "--data"];
    const { code, err } = await graft([...other, "photos"], options);
    expect(code, err).toBe(0);
    expect(err).toContain("calibrated on 60 held-out images");
    rmSync(join(cwd, "other.onnx"));
    const missing = await graft([...other, "nowhere"], options);
    expect(missing.code).toBe(1);
    expect(missing.err).toContain('"nowhere" does not exist');
    expect(existsSync(join(cwd, "other.onnx"))).toBe(false);
  });
});

async function sameAnswers(model: string, within: number): Promise<void> {
  const images = ["photos/red/3.png", "photos/green/4.png", "photos/red/5.png"];
  const [ours, theirs] = await Promise.all(
    ["run", model].map(async (path) => {
      const { code, err, out } = await graft(["predict", path, ...images, "--json"], options);
      expect(code, err).toBe(0);
      return out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).classes[0] as { label: string; probability: number });
    }),
  );
  expect(ours).toHaveLength(images.length);
  for (const [i, { label, probability }] of (ours ?? []).entries()) {
    expect(theirs?.[i]?.label).toBe(label);
    expect(Math.abs((theirs?.[i]?.probability ?? 0) - probability)).toBeLessThan(within);
  }
}
