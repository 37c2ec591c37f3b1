import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readWeights } from "../src/artefact/modelFile.ts";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
const weights = (run: string) => readWeights(model(run), run).weights;
const fineTune = ["train", "photos", "--backbone", "staged.onnx", "--strategy", "fine-tune", "--batch-size", "8"];

async function run(out: string, ...more: readonly string[]) {
  const outcome = await graft([...fineTune, "--out", out, ...more], options);
  expect(outcome.code, outcome.err).toBe(0);
  return outcome.err;
}

/** Cuts a run off in its third epoch and lets it go on: the bytes must be those of `whole`. */
async function expectSameBytesWhenCut(whole: string, ...more: readonly string[]) {
  const out = `${whole}-cut`;
  const cut = await graft([...fineTune, ...more, "--out", out], {
    ...options,
    killAt: { pattern: /epoch 2\/\d/, signal: "SIGINT" },
  });
  expect(cut.code, cut.err).toBe(130);
  const resumed = await graft(["train", "--resume", out], options);
  expect(resumed.code, resumed.err).toBe(0);
  expect(resumed.err).toContain("resuming in epoch 3");
  expect(model(out).equals(model(whole))).toBe(true);
}

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 16);
});

describe("graft train --unfreeze-every", () => {
  it("lets one stage after another learn, and ends at the same bytes when it was cut off on the way", async () => {
    const told = await run("gradual", "--epochs", "4", "--unfreeze-every", "1", "--average-decay", "0.9");
    expect(told).toContain("3 stages begin to learn one after another, from the last: all from epoch 3 on");
    await run("at-once", "--epochs", "4", "--average-decay", "0.9");
    expect(model("gradual").equals(model("at-once"))).toBe(false);
    await expectSameBytesWhenCut("gradual", "--epochs", "4", "--unfreeze-every", "1", "--average-decay", "0.9");
  });

  it("leaves the first stage as published when the epochs end before its turn", async () => {
    await run("short", "--epochs", "2", "--unfreeze-every", "1");
    await run("shorter", "--epochs", "1", "--unfreeze-every", "1");
    const kernels = (of: string) =>
      [...weights(of)].filter(([path, { shape }]) => path.startsWith("backbone/") && shape.length === 4);
    const [short, shorter] = [kernels("short"), kernels("shorter")];
    const same = short.map(([, tensor], i) => Buffer.from(tensor.bytes).equals(shorter[i]?.[1].bytes ?? Buffer.of()));
    expect(same).toEqual([true, false, false]);
  });
});

describe("options of fine-tuning", () => {
  it.each([
    ["--unfreeze-every", "1"],
    ["--stages", "1"],
    ["--l2sp", "0.01"],
    ["--parameters", "biases"],
  ])("%s is refused where nothing is fine-tuned", async (flag, value) => {
    for (const other of [["--strategy", "feature-extraction", "--backbone", "staged.onnx"], []]) {
      const { code, err } = await graft(["train", "photos", ...other, flag, value], options);
      expect(code).toBe(2);
      expect(err).toContain(`${flag} is for fine-tuning a --backbone`);
    }
  });
});
