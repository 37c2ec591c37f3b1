import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import type { Comparison } from "../src/tasks/task.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const colours = { red: [134, 118, 118], green: [118, 134, 118], blue: [118, 118, 134] } as const;
const json = (path: string) => JSON.parse(readFileSync(join(cwd, path), "utf8"));

async function train(data: string, out: string, ...more: readonly string[]) {
  const common = ["--backbone", "tiny.onnx", "--strategy", "feature-extraction", "--out", out];
  const { code, err } = await graft(["train", data, ...common, ...more], options);
  expect(code, err).toBe(0);
}

async function compare(...args: readonly string[]) {
  const outcome = await graft(["compare", ...args, "--out", "comparison.json"], options);
  expect(outcome.code, outcome.err).toBe(0);
  const comparisons: readonly Comparison[] = json("comparison.json");
  return { ...outcome, comparisons };
}

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  await writePhotos(join(cwd, "photos/train"), colours, 40);
  // Of another size, so that none is a copy.
  await writePhotos(join(cwd, "photos/test"), colours, 8, 20);
  await train("photos", "linear");
  await train("photos", "few", "--head", "prototype", "--shots", "2");
});

describe("graft compare", () => {
  it("sets two runs beside each other on the images that both held out", async () => {
    const { out, comparisons } = await compare("linear", "few");
    expect(comparisons.map(({ part }) => part)).toEqual(["validation", "test"]);
    for (const { part, images, majority, runs } of comparisons) {
      expect(images).toBe(24);
      expect(majority).toBeCloseTo(1 / 3, 12);
      const stored = ["linear", "few"].map((run) => json(`${run}/metrics.json`)[part]);
      for (const [i, { accuracy, interval }] of runs.entries()) {
        expect(accuracy).toBeCloseTo(stored[i].accuracy, 12);
        expect(interval).toEqual(stored[i].intervals.accuracy);
      }
      const gain = stored[1].accuracy - stored[0].accuracy;
      expect(runs[1]?.against?.gain).toBeCloseTo(gain, 12);
      expect(runs[1]?.against?.interval.lower).toBeLessThanOrEqual(gain);
      expect(runs[1]?.against?.interval.upper).toBeGreaterThanOrEqual(gain);
    }
    expect(out).toMatch(
      /^validation, 24 images\n\n +right % +95 % interval +gain +95 % interval +won : lost +exact p +mid-p$/m,
    );
    expect(out).toMatch(/^majority class +33\.3$/m);
    expect(out).toMatch(/^linear +\d+\.\d +\d+\.\d – \d+\.\d$/m);
    expect(out).toMatch(/^few .* \d+ : \d+ .*(better|worse|not told apart)$/m);
  });

  it("finds no difference between a run and itself", async () => {
    const { comparisons } = await compare("linear", "linear");
    expect(comparisons[0]?.runs[1]?.against).toMatchObject({ gain: 0, exact: 1, midP: 1 });
  });

  it("leaves out, and names, images that one of them was trained on", async () => {
    await train("photos", "other-split", "--seed", "5");
    const { err, comparisons } = await compare("linear", "other-split");
    expect(err).toMatch(
      /warning: "other-split" was trained on \d+ of the \d+ images of validation \("train\/\w+\/\d+\.png", .*\): left out/,
    );
    expect(err).toMatch(/the runs have other images as validation \("linear" 24, "other-split" 24\)/);
    const [validation, test] = comparisons;
    expect(validation?.images).toBeLessThan(24);
    // What the data set itself holds out, both held out.
    expect(test?.images).toBe(24);
  });

  it("judges them on other images with --data, and leaves out what they learned from", async () => {
    const { err, comparisons } = await compare("linear", "few", "--data", "photos");
    expect(comparisons).toHaveLength(1);
    // 144 photos, of which the first run learned from 96, the second from 6 of those.
    expect(comparisons[0]).toMatchObject({ part: "photos", images: 48 });
    expect(err).toContain('"linear" was trained on 96 of the 144 images of photos');
    expect(err).toContain('"few" was trained on 6 of the 144 images of photos');
  });

  it("refuses runs of other classes", async () => {
    await writePhotos(join(cwd, "others"), { red: colours.red, pink: [160, 118, 140] }, 10);
    await train("others", "pink");
    const { code, err } = await graft(["compare", "linear", "pink"], options);
    expect(code).toBe(1);
    expect(err).toMatch(/"pink" has other classes than "linear": it lacks "blue", "green" and knows "pink" besides/);
  });

  it("refuses a single run, a folder that is none, and a run without answers", async () => {
    const single = await graft(["compare", "linear"], options);
    expect(single.code).toBe(2);
    expect(single.err).toContain("give two runs at least");
    const stranger = await graft(["compare", "linear", "photos"], options);
    expect(stranger.err).toContain('"photos" is not a run folder: it has no splits.json');
    rmSync(join(cwd, "few/predictions.csv"));
    const silent = await graft(["compare", "linear", "few"], options);
    expect(silent.code).toBe(1);
    expect(silent.err).toContain('"few" has no predictions.csv');
  });
});

it("graft evaluate writes every image's answer when asked to", async () => {
  const args = ["evaluate", "linear", "--data", "photos", "--out", "figures.json", "--predictions", "answers.csv"];
  const { code, err } = await graft(args, options);
  expect(code, err).toBe(0);
  const lines = readFileSync(join(cwd, "answers.csv"), "utf8").trim().split("\n");
  expect(lines[0]).toBe("image,split,label,answer,p(blue),p(green),p(red),unknown");
  const right = lines.slice(1).filter((line) => line.split(",")[2] === line.split(",")[3]);
  expect(right.length / 144).toBeCloseTo(json("figures.json").accuracy, 12);
});
