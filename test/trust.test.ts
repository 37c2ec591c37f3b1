import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import { denseModel } from "../src/explain/denseModel.fixture.ts";
import { createCodec } from "../src/node/codec.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const head = ["--backbone", "staged.onnx", "--strategy", "feature-extraction"];
const run = async (...args: readonly string[]) => {
  const done = await graft(args, options);
  expect(done.code, done.err).toBe(0);
  return done;
};
const json = (path: string) => JSON.parse(readFileSync(join(cwd, path), "utf8"));
const eventsOf = (out: string) =>
  out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const photosIn = (folder: string) => readdirSync(join(cwd, folder)).map((name) => join(folder, name));

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  // Three classes so alike that a sure answer is rare.
  const colours = { red: [132, 123, 125], green: [123, 132, 125], grey: [127, 127, 127] } as const;
  await writePhotos(join(cwd, "photos"), colours, 30, 24);
  await writePhotos(join(cwd, "few"), { red: [132, 123, 125], green: [123, 132, 125] }, 8, 24);
  const bright = { width: 24, height: 24, channels: 3, data: new Uint8Array(24 * 24 * 3).fill(255) } as const;
  writeFileSync(join(cwd, "white.png"), await createCodec().encodePng(bright));
  await run("train", "photos", ...head, "--validation", "0.4", "--out", "run");
});

describe("what a model promises", () => {
  it("predict tells a set of all classes that may be meant, and of what it never saw that it is unknown", async () => {
    const files = [...photosIn("photos/red"), ...photosIn("photos/grey"), "white.png"];
    const { out } = await run("predict", "run", ...files, "--top", "3", "--json");
    const { threshold } = json("run/metrics.json").trust.conformal;
    const predictions = eventsOf(out);
    expect(predictions).toHaveLength(files.length);
    for (const { classes, set } of predictions) {
      const likely = classes.filter(({ probability }: { probability: number }) => 1 - probability <= threshold);
      const wanted = (likely.length === 0 ? classes.slice(0, 1) : likely).map(({ label }: { label: string }) => label);
      expect(set).toEqual(wanted);
    }
    const isUnknown = predictions.map(({ unknown }) => unknown.isUnknown);
    expect(isUnknown.at(-1)).toBe(true);
    expect(isUnknown.filter(Boolean).length).toBeLessThan(files.length / 4);
    const told = await run("predict", "run", ...files);
    const lines = told.out.trim().split("\n");
    for (const [i, { set, unknown }] of predictions.entries()) {
      if (unknown.isUnknown) expect(lines[i]).toContain(": unknown, unlike the training photos (nearest: ");
      else expect(/; one of /.test(lines[i] ?? "")).toBe(set.length > 1);
    }
    expect(predictions.some(({ set }) => set.length > 1)).toBe(true);
  });

  it("evaluate tells whether that is kept, and from which probability on a class reaches a wanted recall or precision", async () => {
    const wanted = ["--recall", "0.8", "--precision", "1"];
    const { out, err } = await run("evaluate", "run", "--data", "photos", ...wanted, "--out", "figures.json");
    expect(err).toMatch(
      /^prediction sets, promised to hold the true class in 90\.0 %: \d+\.\d % \[[\d.–]+\] of 90 images, [12]\.\d\d classes on average$/m,
    );
    expect(err).toMatch(/^called unknown: \d+\.\d % of 90 images$/m);
    expect(out).toContain("thresholds for a recall of 80.0 %, chosen by these very images");
    expect(out).toMatch(/^grey +\d\S* +\d+\.\d +\d+\.\d +\d+\.\d–\d+\.\d +\d+$/m);
    const { sets, unknown, operatingPoints } = json("figures.json");
    expect(sets.promised).toBe(0.9);
    expect(sets.interval.lower).toBeLessThanOrEqual(sets.coverage);
    expect(unknown.share).toBeLessThan(0.25);
    const [precision, recall] = operatingPoints;
    expect(precision.wanted).toEqual({ of: "precision", atLeast: 1 });
    for (const point of recall.points) expect(point.recall).toBeGreaterThanOrEqual(0.8);
  });

  it("is no set where validation images are too few, which training says", async () => {
    const { err } = await run("train", "few", ...head, "--validation", "0.3", "--out", "few-run");
    expect(err).toMatch(/^no prediction sets: too few validation images to promise 90 %$/m);
    expect(json("few-run/metrics.json").trust.conformal).toBeUndefined();
    const { out } = await run("predict", "few-run", "few/red/0.png", "--json");
    expect(eventsOf(out)[0]).not.toHaveProperty("set");
  });

  it("is nothing where a model was made without validation images: answers come without set and score", async () => {
    mkdirSync(join(cwd, "dense"));
    writeFileSync(join(cwd, "dense", "model.onnx"), denseModel(["red", "green", "grey"]));
    const predicted = await run("predict", "dense", "photos/red/0.png", "white.png", "--json");
    for (const event of eventsOf(predicted.out)) expect(Object.keys(event).sort()).toEqual(["classes", "file", "type"]);
    const { err } = await run("evaluate", "dense", "--data", "photos");
    expect(err).not.toMatch(/prediction sets|called unknown/);
  });
});
