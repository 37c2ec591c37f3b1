import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { menu } from "../src/tasks/menu.ts";
import { graft, type Outcome } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const cache = join(cwd, "cache");
const run = (...args: readonly string[]): Promise<Outcome> => graft(args, { cwd, cache });

beforeAll(async () => {
  await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80] }, 12);
});

describe("graft", () => {
  it("lists its commands, with and without --help", async () => {
    for (const args of [[], ["--help"]]) {
      const { code, out } = await run(...args);
      expect(code).toBe(0);
      const listed = [...out.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
      expect(listed.filter((name) => name !== "help")).toEqual([...Object.keys(menu), "serve"]);
    }
  });

  it("tells every option of train with its default", async () => {
    const { out } = await run("train", "--help");
    for (const flag of [
      "--out",
      "--epochs",
      "--batch-size",
      "--learning-rate",
      "--optimizer",
      "--size",
      "--seed",
      "--validation",
      "--group",
      "--augment",
      "--config",
      "--resume",
      "--threads",
      "--json",
      "--strict",
    ]) {
      expect(out).toContain(flag);
    }
    expect(out).toMatch(/default: 32/);
  });

  it("names the nearest option for an unknown one and exits with 2", async () => {
    const { code, err } = await run("train", "photos", "--epoch", "3");
    expect(code).toBe(2);
    expect(err).toContain("--epochs");
  });

  it("refuses values that do not fit, with exit code 2", async () => {
    for (const args of [
      ["--epochs", "0"],
      ["--epochs", "two"],
      ["--validation", "1.5"],
      ["--optimizer", "adamm"],
      ["--augment", "flip"],
    ]) {
      const { code, err } = await run("train", "photos", ...args);
      expect(code, err).toBe(2);
      expect(err).not.toContain("defect");
    }
  });
});

describe("bad data", () => {
  it.each([
    ["a missing folder", "nowhere", /"nowhere" does not exist/],
    ["an empty folder", "empty", /holds no files.*one folder for each class/s],
    ["one class only", "one", /only the class "red"/],
    ["a class with one image", "single", /the class "blue" has 1 image/],
  ])("%s gets a clear error and exit code 1", async (_, name, message) => {
    mkdirSync(join(cwd, "empty"), { recursive: true });
    await writePhotos(join(cwd, "one"), { red: [190, 80, 80] }, 3);
    await writePhotos(join(cwd, "single"), { red: [190, 80, 80] }, 3);
    await writePhotos(join(cwd, "single"), { blue: [80, 80, 190] }, 1);
    const { code, err } = await run("train", name);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });

  it("lists unusable files with reasons and goes on; --strict stops", async () => {
    const root = join(cwd, "mixed");
    await writePhotos(root, { red: [190, 80, 80], green: [80, 190, 80] }, 6);
    writeFileSync(join(root, "red", "empty.jpg"), "");
    writeFileSync(join(root, "red", "text.png"), "not an image at all");
    writeFileSync(join(root, "red", "notes.txt"), "notes");
    const whole = readFileSync(join(root, "red", "0.png"));
    writeFileSync(join(root, "green", "cut.png"), whole.subarray(0, whole.length / 2));
    copyFileSync(join(root, "red", "1.png"), join(root, "green", "same.png"));
    const { code, err } = await run("train", "mixed", "--epochs", "1");
    expect(code, err).toBe(0);
    expect(err).toMatch(/4 files left out/);
    for (const reason of [
      /"red\/empty.jpg" \(the file is empty\)/,
      /"red\/text.png"/,
      /"red\/notes.txt"/,
      /"green\/cut.png"/,
    ])
      expect(err).toMatch(reason);
    expect(err).toMatch(/filed under two classes: "green\/same.png" = "red\/1.png"/);
    const strict = await run("train", "mixed", "--epochs", "1", "--strict");
    expect(strict.code).toBe(1);
    expect(strict.err).toMatch(/--strict: 4 files left out/);
  });

  it("says that a backbone without a linear layer gives no vector", async () => {
    writeFileSync(join(cwd, "broken.onnx"), "no model");
    const { code, err } = await run("train", "photos", "--backbone", "broken.onnx");
    expect(code).toBe(1);
    expect(err).toMatch(/"broken.onnx" is not/);
  });
});

describe("a run", () => {
  it("trains, predicts, evaluates, previews; never overwrites; prints NDJSON when asked", async () => {
    const trained = await run("train", "photos", "--epochs", "3", "--batch-size", "8");
    expect(trained.code, trained.err).toBe(0);
    for (const name of [
      "model.onnx",
      "labels.txt",
      "config.json",
      "history.jsonl",
      "results.csv",
      "metrics.json",
      "splits.json",
      "checkpoints/last.safetensors",
    ]) {
      expect(readFileSync(join(cwd, "runs/photos", name)).length).toBeGreaterThan(0);
    }
    const config = JSON.parse(readFileSync(join(cwd, "runs/photos/config.json"), "utf8"));
    expect(config.train).toMatchObject({
      epochs: 3,
      batchSize: 8,
      learningRate: 0.001,
      optimizer: "adam",
      seed: 0,
      validation: 0.2,
    });

    const again = await run("train", "--config", "runs/photos/config.json", "--json");
    expect(again.code, again.err).toBe(0);
    const events = again.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.filter(({ type }) => type === "epoch")).toHaveLength(3);
    expect(
      readFileSync(join(cwd, "runs/photos-2/model.onnx")).equals(readFileSync(join(cwd, "runs/photos/model.onnx"))),
    ).toBe(true);

    const predicted = await run("predict", "runs/photos", "photos/red/0.png", "photos/green/1.png", "--top", "1");
    expect(predicted.code, predicted.err).toBe(0);
    expect(predicted.out.trim().split("\n")).toHaveLength(2);

    const evaluated = await run("evaluate", "runs/photos", "--data", "photos", "--out", "figures.json");
    expect(evaluated.code, evaluated.err).toBe(0);
    expect(evaluated.out).toContain("accuracy");
    expect(JSON.parse(readFileSync(join(cwd, "figures.json"), "utf8")).count).toBe(24);

    const previewed = await run("preview", "photos", "--out", "sheet.png");
    expect(previewed.code, previewed.err).toBe(0);
    expect(readFileSync(join(cwd, "sheet.png")).subarray(1, 4).toString()).toBe("PNG");
  });

  it("keeps going over unreadable photos in predict, and fails at the end", async () => {
    const { code, out, err } = await run("predict", "runs/photos", "photos/red/0.png", "nowhere.jpg");
    expect(code).toBe(1);
    expect(out).toContain("photos/red/0.png: ");
    expect(err).toContain('"nowhere.jpg": does not exist');
  });
});
