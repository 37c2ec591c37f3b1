import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readWeights } from "../src/artefact/modelFile.ts";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
const weights = (run: string) => readWeights(model(run), run).weights;
const quick = ["--epochs", "3", "--batch-size", "8"];
/** So small that nothing moves by more than this in an epoch of Adam. */
const still = ["--epochs", "1", "--batch-size", "8", "--learning-rate", "1e-7"];

async function run(out: string, ...args: readonly string[]) {
  const outcome = await graft(["train", ...args, "--out", out], options);
  expect(outcome.code, outcome.err).toBe(0);
  return outcome.err;
}

function distance(path: string, one: string, other: string): number {
  const [a, b] = [one, other].map((name) => weights(name).get(path)?.floats ?? new Float32Array(0));
  expect(a?.length, path).toBe(b?.length);
  return Math.max(...Array.from(a ?? [], (value, i) => Math.abs(value - (b?.[i] ?? Number.NaN))));
}

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  writeFileSync(join(cwd, "wide.onnx"), tinyClassifier(8));
  const [red, green, blue] = [[140, 115, 115] as const, [115, 140, 115] as const, [115, 115, 140] as const];
  await writePhotos(join(cwd, "photos"), { red, green, blue }, 16);
  await writePhotos(join(cwd, "two"), { red, blue }, 16, 32);
  await run("first", "photos", ...quick, "--size", "20");
  await run("tuned", "photos", ...quick, "--backbone", "tiny.onnx", "--strategy", "fine-tune");
});

describe("graft train --init", () => {
  it("begins where the earlier run ended, at its image size", async () => {
    const told = await run("again", "photos", "--init", "first", ...still);
    expect(told).toMatch(/8 of 8 parameters begin as in "first"$/m);
    expect(readWeights(model("again"), "again").preparation.cropTo).toBe(20);
    for (const path of ["conv2d/kernel", "dense_1/kernel"]) {
      expect(distance(path, "again", "first")).toBeLessThan(1e-5);
      expect(distance(path, "again", "first")).toBeGreaterThan(0);
    }
  });

  it("starts the classifier anew where the classes differ, and says so", async () => {
    const told = await run("transferred", "two", "--init", "first/model.onnx", ...still);
    expect(told).toContain(
      '6 of 8 parameters begin as in "first/model.onnx"; 2 start anew: "dense_1/kernel", "dense_1/bias"',
    );
    expect(distance("conv2d_1/kernel", "transferred", "first")).toBeLessThan(1e-5);
    expect(weights("transferred").get("dense_1/kernel")?.shape).toEqual([64, 2]);
  });

  it("takes what still fits at another size", async () => {
    const told = await run("larger", "photos", "--init", "first", "--size", "28", ...still);
    expect(told).toMatch(/6 of 8 parameters begin as in "first"; 2 start anew: "dense\/kernel", "dense\/bias"/);
    expect(readWeights(model("larger"), "larger").preparation.cropTo).toBe(28);
  });

  it("gives the pretrained network the weights that it was tuned to, for any strategy", async () => {
    const told = await run(
      "tuned-on",
      "two",
      "--init",
      "tuned",
      "--backbone",
      "tiny.onnx",
      "--strategy",
      "fine-tune",
      ...still,
    );
    expect(told).toContain('2 of 2 parameters begin as in "tuned"');
    const [kernel = ""] = [...weights("tuned").keys()].filter((path) => path.startsWith("backbone/"));
    expect(distance(kernel, "tuned-on", "tuned")).toBeLessThan(1e-5);
    const head = ["two", "--backbone", "tiny.onnx", "--strategy", "feature-extraction"];
    await run("on-published", ...head);
    await run("on-tuned", ...head, "--init", "tuned");
    expect(model("on-tuned").equals(model("on-published"))).toBe(false);
  });

  it("gives a distilled student a start too", async () => {
    const told = await run("student", "photos", "--teacher", "tuned", "--init", "first", ...still);
    expect(told).toContain('8 of 8 parameters begin as in "first"');
  });

  it("ends at the same bytes when it was cut off, from another folder too", async () => {
    await run("whole", "photos", "--init", "first", ...quick);
    const cut = await graft(["train", "photos", "--init", "first", ...quick, "--out", "cut"], {
      ...options,
      killAt: { pattern: /epoch 1\/3/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", join(cwd, "cut")], { ...options, cwd: "/" });
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("cut").equals(model("whole"))).toBe(true);
  });

  it.each([
    ["the small CNN has none of its weights. Name that network with --backbone", ["--init", "tuned"]],
    ['has no weights of "tiny.onnx"', ["--init", "first", "--backbone", "tiny.onnx"]],
    ['it is not a model that "graft train" wrote', ["--init", "tiny.onnx"]],
    ['"nobody" does not exist', ["--init", "nobody"]],
    ["none of the 2 parameters", ["--init", "tuned", "--backbone", "wide.onnx"]],
  ])("refuses with a reason: %s", async (reason, args) => {
    const { code, err } = await graft(["train", "photos", ...args, "--out", "refused"], options);
    expect(code).not.toBe(0);
    expect(err).toContain(reason);
  });
});
