import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const count = 24;
const run = async (...args: readonly string[]) => {
  const done = await graft(args, options);
  expect(done.code, done.err).toBe(0);
  return done;
};
/** File, label and distance of each image that is named as nearest. */
const neighboursIn = (out: string) =>
  [...out.matchAll(/^ {2}(\S+\.png) +(red|green) +(\d\.\d{3})$/gm)].map((found) => found.slice(1));

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  // Alike enough that some are answered wrongly.
  await writePhotos(join(cwd, "photos"), { red: [132, 123, 128], green: [123, 132, 128] }, count, 24);
  const head = ["--backbone", "staged.onnx", "--strategy", "feature-extraction"];
  await run("train", "photos", ...head, "--validation", "0.5", "--out", "frozen");
  await run("train", "photos", "--strategy", "scratch", "--size", "16", "--epochs", "1", "--out", "scratch");
});

describe("graft predict --nearest", () => {
  it("shows the training images most alike, from the features that training cached", async () => {
    const { train } = JSON.parse(readFileSync(join(cwd, "frozen", "splits.json"), "utf8"));
    const { out, err } = await run("predict", "frozen", join("photos", train[0]), "--nearest", "3");
    expect(err).not.toContain("the cache lacked");
    const found = neighboursIn(out);
    expect(found).toHaveLength(3);
    expect(found[0]).toEqual([train[0], train[0].split("/")[0], "0.000"]);
    const distances = found.map(([, , distance]) => Number(distance));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
    for (const [file = ""] of found) expect(train).toContain(file);
  });

  it("says what the cache lacks and computes it once: by the run's own network where that is not a published one", async () => {
    const ask = () => run("predict", "scratch", "photos/red/0.png", "--nearest", "2");
    const first = await ask();
    expect(first.err).toMatch(/the cache lacked the features of \d+ of 38 training images/);
    expect(neighboursIn(first.out)).toHaveLength(2);
    const second = await ask();
    expect(second.err).not.toContain("the cache lacked");
    expect(second.out).toBe(first.out);
  });

  it("names a data set that is no longer there", async () => {
    renameSync(join(cwd, "photos"), join(cwd, "elsewhere"));
    const { code, err } = await graft(["predict", "frozen", "elsewhere/red/0.png", "--nearest", "1"], options);
    renameSync(join(cwd, "elsewhere"), join(cwd, "photos"));
    expect(code).toBe(1);
    expect(err).toMatch(/photos" does not exist/);
  });
});

describe("graft map", () => {
  const titlesIn = (file: string) =>
    [...readFileSync(join(cwd, file), "utf8").matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title ?? "");

  it("draws every image under its name, and rings the wrong answers of a run", async () => {
    const { err } = await run("map", "frozen", "--method", "pca");
    const titles = titlesIn("map.svg");
    expect(new Set(titles).size).toBe(2 * count);
    const wrong = readFileSync(join(cwd, "frozen", "predictions.csv"), "utf8")
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split(","))
      .filter(([, , label, answer]) => label !== answer)
      .map(([image, , label, answer]) => `${image}: ${label}, answered ${answer}`);
    expect(wrong.length).toBeGreaterThan(0);
    expect(titles.filter((title) => title.includes("answered")).sort()).toEqual(wrong.sort());
    expect(err).toContain(`rings: ${wrong.length} held-out images answered wrongly`);
  });

  it("draws the same bytes again, of a data set and a backbone, and says how many images it leaves out", async () => {
    const asked = ["--backbone", "staged.onnx", "--points", "10", "--method", "umap"];
    const draw = (out: string) => run("map", "photos", ...asked, "--out", out);
    expect((await draw("one.svg")).err).toContain(`10 of ${2 * count} images`);
    await draw("two.svg");
    expect(titlesIn("one.svg")).toHaveLength(10);
    expect(readFileSync(join(cwd, "one.svg"))).toEqual(readFileSync(join(cwd, "two.svg")));
  });

  it("refuses a data set without a network, and a network for a run", async () => {
    const [none, twice] = await Promise.all([
      graft(["map", "photos"], options),
      graft(["map", "frozen", "--backbone", "staged.onnx"], options),
    ]);
    expect([none?.code, twice?.code]).toEqual([2, 2]);
    expect(none?.err).toMatch(/name a network with --backbone, or give a run folder/);
    expect(twice?.err).toMatch(/--backbone: "frozen" is a run, which brings its own/);
  });
});
