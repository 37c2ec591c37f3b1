import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const read = (path: string) => JSON.parse(readFileSync(join(cwd, path), "utf8"));
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
const target = ["train", "target", "--backbone", "tiny.onnx", "--shots", "3", "--validation", "0.5"];

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  await writePhotos(join(cwd, "target"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 30);
  // The same colours in another light, a class too many and one too few.
  await writePhotos(
    join(cwd, "source"),
    { red: [150, 125, 120], green: [125, 150, 120], pink: [200, 115, 150] },
    24,
    25,
  );
  cpSync(join(cwd, "target/red/0.png"), join(cwd, "source/red/known.png"));
});

describe("graft train --source", () => {
  it.each(["tradaboost", "kmm", "kliep"])(
    "weighs source images by %s, and shows what each way brings",
    async (weighting) => {
      const { code, err } = await graft(
        [...target, "--source", "source", "--weighting", weighting, "--out", weighting],
        options,
      );
      expect(code, err).toBe(0);
      expect(err).toContain("1 source image left out, being in the target as well");
      expect(err).toContain("24 source images left out, of classes that the target lacks: pink");
      expect(err).toContain("classes that the source lacks are learned from the target alone: blue");
      expect(err).toMatch(new RegExp(`${weighting}: 48 source images count as [\\d.]+ of equal weight`));
      const { trials, chosen, source } = read(`${weighting}/account.json`);
      expect(trials.map(({ name }: { name: string }) => name)).toEqual([
        "target alone",
        "with the source, unweighted",
        `with the source, weighted by ${weighting}`,
      ]);
      for (const { accuracy, gain = 0 } of trials) expect(accuracy - trials[0].accuracy).toBeCloseTo(gain, 9);
      const taken = trials.find(({ name }: { name: string }) => name === chosen);
      expect(taken === trials[0] || taken.gain > taken.standardError).toBe(true);
      if (taken === trials[0])
        for (const { gain, standardError } of trials.slice(1)) expect(gain).toBeLessThanOrEqual(standardError);
      expect(source.effectiveSampleSize).toBeGreaterThan(0);
      expect(source.effectiveSampleSize).toBeLessThanOrEqual(48 + 1e-9);
      expect(source.mostUsed).toHaveLength(20);
      expect(source.mostUsed[0].image).toMatch(/^source: (red|green)\/\d+\.png$/);
      expect(source.mostUsed[0].weight).toBeGreaterThanOrEqual(source.leastUsed[0].weight);
      // The model is that of the way that was chosen, and serves like any other.
      expect(read(`${weighting}/metrics.json`).validation.accuracy).toBeCloseTo(taken.accuracy, 9);
      expect(read(`${weighting}/splits.json`).train).toHaveLength(9);
      if (weighting !== "tradaboost") return;
      const served = await graft(["evaluate", weighting, "--data", "target", "--json"], options);
      expect(served.code, served.err).toBe(0);
    },
  );

  it("leaves the target alone where the source teaches nothing true, to the byte", async () => {
    const colours = { red: [115, 140, 115], green: [115, 115, 140], blue: [140, 115, 115] } as const;
    await writePhotos(join(cwd, "wrong"), colours, 40, 26);
    const more = ["--source", "wrong", "--weighting", "kliep", "--out", "unhelped"];
    const { code, err } = await graft([...target, ...more], options);
    expect(code, err).toBe(0);
    expect(err).toContain("the source brings no more than its standard error");
    const plain = await graft([...target, "--strategy", "feature-extraction", "--out", "plain"], options);
    expect(plain.code, plain.err).toBe(0);
    expect(model("unhelped").equals(model("plain"))).toBe(true);
  });

  it("never learns from an image of the target a second time", async () => {
    cpSync(join(cwd, "target"), join(cwd, "copy"), { recursive: true });
    const copy = await graft([...target, "--source", "copy"], options);
    expect(copy.code).toBe(1);
    expect(copy.err).toContain('every image of "copy" with a class of the target is one of the target\'s own');
    const same = await graft([...target, "--source", "./target"], options);
    expect(same.code).toBe(2);
    expect(same.err).toContain("is the very data set to be trained on");
  });

  it("goes on only with the source that it began with", async () => {
    cpSync(join(cwd, "source"), join(cwd, "lent"), { recursive: true });
    const begun = await graft([...target, "--source", "lent", "--weighting", "kmm", "--out", "begun"], options);
    expect(begun.code, begun.err).toBe(0);
    renameSync(join(cwd, "lent/red/1.png"), join(cwd, "lent/green/moved.png"));
    const { code, err } = await graft(["train", "--resume", "begun"], options);
    expect(code).toBe(1);
    expect(err).toContain("cannot be resumed: the images or their labels have changed since it began");
  });

  it("is measured by cross-validate like any other strategy", async () => {
    const measure = ["cross-validate", "target", "--backbone", "tiny.onnx", "--source", "source", "--weighting", "kmm"];
    const { code, err } = await graft([...measure, "--folds", "2"], options);
    expect(code, err).toBe(0);
    expect(err).toMatch(/accuracy by fold: [\d.]+ ± [\d.]+ %/);
  });

  it("refuses a source without a class in common, and leaves nothing behind", async () => {
    await writePhotos(join(cwd, "strangers"), { Red: [140, 115, 115], pink: [200, 115, 150] }, 4);
    const { code, err } = await graft([...target, "--source", "strangers"], options);
    expect(code).toBe(1);
    expect(err).toContain("have no class in common (source: Red, pink; target: blue, green, red)");
    expect(err).toContain('Did you mean "red"?');
    expect(existsSync(join(cwd, "runs"))).toBe(false);
  });
});
