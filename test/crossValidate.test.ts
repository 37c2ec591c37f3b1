import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const command = ["cross-validate", "photos", "--folds", "3"];

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 20);
});

interface Answer {
  readonly image: string;
  readonly label: string;
  readonly answer: string;
}

describe("graft cross-validate", () => {
  it("judges every image once, and says how good the strategy is and how sure that is", async () => {
    const more = ["--backbone", "tiny.onnx", "--strategy", "feature-extraction", "--out", "figures.json"];
    const { code, out, err } = await graft([...command, ...more], options);
    expect(code, err).toBe(0);
    expect(out).toContain("3-fold cross-validation of feature-extraction");
    expect(err).toMatch(/fold 3\/3: [\d.]+ % of \d+ held-out images right/);
    expect(err).toMatch(/accuracy by fold: [\d.]+ ± [\d.]+ %/);
    const { folds, report } = JSON.parse(readFileSync(join(cwd, "figures.json"), "utf8"));
    const answers: readonly Answer[] = folds.flatMap((fold: { answers: readonly Answer[] }) => fold.answers);
    expect(new Set(answers.map(({ image }) => image)).size).toBe(60);
    const right = answers.filter(({ label, answer }) => label === answer).length;
    expect(report.accuracy).toBeCloseTo(right / 60, 9);
    expect(report.accuracy).toBeGreaterThan(0.5);
  });

  it("trains a network anew for each fold, and keeps groups whole", async () => {
    const more = ["--strategy", "scratch", "--epochs", "1", "--size", "16", "--group", "[0-9](?=.png)"];
    const { code, err } = await graft([...command, ...more], options);
    expect(code, err).toBe(0);
    expect(err).toContain("groups kept whole");
    expect(err).toMatch(/fold 3\/3/);
  });

  it("ends between folds when it is interrupted", async () => {
    const killAt = { pattern: /fold 1\/3/, signal: "SIGINT" } as const;
    const more = ["--strategy", "scratch", "--epochs", "30", "--size", "24"];
    const { code, err } = await graft([...command, ...more], { ...options, killAt });
    expect(code).toBe(130);
    expect(err).toContain("interrupted in fold 2 of 3");
  });

  it.each([
    [["--backbone", "tiny.onnx", "--strategy", "auto"], "Name one, such as --strategy fine-tune"],
    [["--folds", "1"], '"folds"'],
    [["--stategy", "scratch"], "--strategy"],
  ])("refuses %j in words", async (more, words) => {
    const { code, err } = await graft([...command, ...more], options);
    expect(code).not.toBe(0);
    expect(err).toContain(words);
  });
});
