import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier, tokenClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
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
  writeFileSync(join(cwd, "tokens.onnx"), tokenClassifier());
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 16);
});

describe("graft train --unfreeze-every", () => {
  it("lets one stage after another learn, and ends at the same bytes when it was cut off on the way", async () => {
    const told = await run("gradual", "--epochs", "4", "--unfreeze-every", "1", "--average-decay", "0.9");
    expect(told).toContain("3 stages begin to learn one after another, from the last: all from epoch 3 on");
    await expectSameBytesWhenCut("gradual", "--epochs", "4", "--unfreeze-every", "1", "--average-decay", "0.9");
  });
});

describe("graft train --delta", () => {
  it("weighs the channels of the network's maps, and ends at the same bytes when it was cut off", async () => {
    const delta = ["--epochs", "3", "--learning-rate", "0.01", "--delta", "10"];
    const told = await run("held", ...delta);
    expect(told).toMatch(/delta: 22 channels of 3 maps weighed on \d+ images, from 0\.\d+ to [1-9]\.\d+/);
    await expectSameBytesWhenCut("held", ...delta);
  });
});

describe("graft train --parameters", () => {
  const served = async (of: string): Promise<number> => {
    const { code, out, err } = await graft(["evaluate", of, "--data", "photos", "--json"], options);
    expect(code, err).toBe(0);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    return events.find(({ type }) => type === "report").report.accuracy;
  };

  it("adapters stay in the model that is served", async () => {
    const told = await run("adapted", "--epochs", "3", "--learning-rate", "0.01", "--parameters", "adapters");
    expect(told).toMatch(/adapters: 398 new parameters learn beside the head, 33 % of the 1,192 that stay/);
    expect(model("adapted").includes("backbone/adapter.2/up/weight")).toBe(true);
    expect(await served("adapted")).toBeGreaterThan(0.6);
    await expectSameBytesWhenCut("adapted", "--epochs", "3", "--learning-rate", "0.01", "--parameters", "adapters");
  });

  it("lora leaves a plain model, and is refused without linear layers", async () => {
    const more = ["--epochs", "2", "--learning-rate", "0.01", "--parameters", "lora"];
    const told = await run("low-rank", "--backbone", "tokens.onnx", ...more);
    expect(told).toMatch(/lora: 768 new parameters learn beside the head/);
    expect(model("low-rank").includes("lora")).toBe(false);
    expect(await served("low-rank")).toBeGreaterThan(0.6);
    const { code, err } = await graft([...fineTune, ...more], options);
    expect(code).toBe(1);
    expect(err).toContain(
      '--parameters lora: "staged.onnx" has no linear layers wider than 8. Use --parameters adapters',
    );
  });
});

it("options of fine-tuning are refused where nothing is fine-tuned", async () => {
  const { code, err } = await graft(["train", "photos", "--delta", "0.1"], options);
  expect(code).toBe(2);
  expect(err).toContain("--delta is for fine-tuning a --backbone, which --strategy scratch does not do here");
});
