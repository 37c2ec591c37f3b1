import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const train = ["train", "photos", "--backbone", "staged.onnx"];

async function run(out: string, ...more: readonly string[]): Promise<string> {
  const { code, err } = await graft([...train, "--out", out, ...more], options);
  expect(code, err).toBe(0);
  return err;
}

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 40);
});

describe("graft train --features stages", () => {
  it("trains a head on them that is served with them", async () => {
    await run("head", "--strategy", "feature-extraction", "--features", "stages");
    const { out } = await graft(["predict", "head", "photos/red/0.png"], options);
    expect(out).toMatch(/red/);
  });

  it("tunes the last stage behind the others, and ends at the same bytes when it was cut off", async () => {
    const tune = ["--strategy", "fine-tune", "--features", "stages", "--stages", "1", "--epochs", "2"];
    await run("whole", ...tune);
    const killAt = { pattern: /epoch 1\/2/, signal: "SIGINT" } as const;
    await graft([...train, "--out", "cut", ...tune], { ...options, killAt });
    expect((await graft(["train", "--resume", "cut"], options)).code).toBe(0);
    const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
    expect(model("cut").equals(model("whole"))).toBe(true);
  });

  it("is tried by auto, which says what it brings", async () => {
    const told = await run("auto", "--epochs", "1", "--features", "last");
    expect(told).not.toContain("features of all stages");
    const compared = /features of all stages beside the last ones: [+−]\d+\.\d ± \d+\.\d points on 96 training images/;
    expect(await run("chosen", "--epochs", "1")).toMatch(compared);
    expect(JSON.parse(readFileSync(join(cwd, "chosen/account.json"), "utf8")).reasons[0]).toMatch(compared);
  });

  it("stays with what was decided when it is resumed", async () => {
    const tune = ["--epochs", "2"];
    const killAt = { pattern: /epoch 1\/2/, signal: "SIGINT" } as const;
    expect((await graft([...train, "--out", "decided", ...tune], { ...options, killAt })).code).toBe(130);
    const file = join(cwd, "decided/features.json");
    const { features } = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ features, reasons: ["told before"] }));
    const { code, err } = await graft(["train", "--resume", "decided"], options);
    expect(code, err).toBe(0);
    expect(err).toContain("told before");
    expect(err).not.toContain("features of all stages");
  });

  it("needs a backbone", async () => {
    const { code, err } = await graft(["train", "photos", "--features", "stages"], options);
    expect(code).toBe(2);
    expect(err).toContain("--features is for those of a --backbone");
  });
});
