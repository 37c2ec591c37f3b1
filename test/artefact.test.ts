import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { nodePlatform } from "../src/node/platform.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const cache = join(cwd, "cache");
const platform = nodePlatform();

describe("model.onnx", () => {
  it("gives plain onnxruntime the same probabilities as predict", async () => {
    await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80] }, 10, 40);
    const trained = await graft(["train", "photos", "--epochs", "2", "--size", "24"], { cwd, cache });
    expect(trained.code, trained.err).toBe(0);
    await agree("runs/photos", "photos/red/3.png");
  });

  const backbone = `${process.cwd()}/../shared/data/backbones/mobilenetv2-tf-224.onnx`;
  const photos = `${process.cwd()}/../shared/data/hymenoptera`;
  it("does so with a backbone too, whose head reaches 95 % on held-out photos", async ({ skip }) => {
    skip(!existsSync(backbone) || !existsSync(photos), "the shared data are not beside this checkout");
    const { code, err } = await graft(["train", photos, "--backbone", backbone, "--strategy", "feature-extraction"], {
      cwd,
      cache,
    });
    expect(code, err).toBe(0);
    const { validation } = JSON.parse(readFileSync(join(cwd, "runs/hymenoptera/metrics.json"), "utf8"));
    expect(validation.accuracy).toBeGreaterThanOrEqual(0.95);
    const evaluated = await graft(["evaluate", "runs/hymenoptera", "--data", `${photos}/val`, "--out", "served.json"], {
      cwd,
      cache,
    });
    expect(evaluated.code, evaluated.err).toBe(0);
    // Trained is served: features from the cache and the whole file agree.
    const served = JSON.parse(readFileSync(join(cwd, "served.json"), "utf8"));
    expect(served.confusion).toEqual(validation.confusion);
    expect(served.loss).toBeCloseTo(validation.loss, 5);
    await agree("runs/hymenoptera", `${photos}/val/ants/10308379_1b6c72e180.jpg`);
  }, 120_000);
});

async function agree(run: string, photo: string): Promise<void> {
  const predicted = await graft(["predict", run, photo, "--json", "--top", "99"], { cwd, cache });
  expect(predicted.code, predicted.err).toBe(0);
  const { classes } = JSON.parse(predicted.out) as { classes: { label: string; probability: number }[] };
  const labels = readFileSync(join(cwd, run, "labels.txt"), "utf8")
    .trim()
    .split("\n");
  const pixels = await platform.codec.decode(readFileSync(resolve(cwd, photo)), 1e8);
  const session = await ort.InferenceSession.create(join(cwd, run, "model.onnx"));
  const { probabilities } = await session.run({
    image: new ort.Tensor("uint8", pixels.data, [1, pixels.height, pixels.width, 3]),
  });
  labels.forEach((label, i) => {
    const ours = classes.find((one) => one.label === label)?.probability ?? Number.NaN;
    expect(Math.abs(ours - Number(probabilities?.data[i]))).toBeLessThan(1e-6);
  });
}
