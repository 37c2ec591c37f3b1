import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { stagedClassifier, tokenClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const model = (run: string) => readFileSync(join(cwd, run, "model.onnx"));
const student = ["train", "photos", "--size", "16", "--batch-size", "8"];
const matched = [...student, "--teacher", "teacher", "--match-features", "1"];

async function run(out: string, command: readonly string[]) {
  const { code, err } = await graft([...command, "--out", out], options);
  expect(code, err).toBe(0);
  return err;
}

beforeAll(async () => {
  writeFileSync(join(cwd, "staged.onnx"), stagedClassifier());
  writeFileSync(join(cwd, "tokens.onnx"), tokenClassifier());
  await writePhotos(join(cwd, "photos"), { red: [140, 115, 115], green: [115, 140, 115], blue: [115, 115, 140] }, 24);
  const frozen = ["train", "photos", "--strategy", "feature-extraction", "--backbone"];
  await run("teacher", [...frozen, "staged.onnx"]);
  await run("tokens", [...frozen, "tokens.onnx"]);
});

describe("graft train --match-features", () => {
  it("makes another student, the same when it was cut off, whose teacher is asked once", async () => {
    const told = await run("whole", [...matched, "--epochs", "3"]);
    expect(told).toContain("features: 3 stages look where the teacher's look, on 14×14, 5×5, 2×2 places");
    await run("answers", [...student, "--teacher", "teacher", "--epochs", "3"]);
    expect(model("answers").equals(model("whole"))).toBe(false);
    const cut = await graft([...matched, "--epochs", "3", "--out", "cut"], {
      ...options,
      killAt: { pattern: /epoch 1\/3/, signal: "SIGINT" },
    });
    expect(cut.code, cut.err).toBe(130);
    const resumed = await graft(["train", "--resume", "cut"], options);
    expect(resumed.code, resumed.err).toBe(0);
    expect(model("cut").equals(model("whole"))).toBe(true);
    for (const segment of segments()) damage(segment);
    const again = await graft([...matched, "--epochs", "3", "--out", "again"], options);
    expect(again.err).toMatch(/cache file ".*teachers.*" is damaged/);
    for (const segment of segments()) damage(segment);
    await run("again-whole", [...matched, "--epochs", "3"]);
    expect(model("again-whole").equals(model("whole"))).toBe(true);
  });

  it("matches the stages of a backbone that is fine-tuned", async () => {
    const told = await run("tuned", [...matched, "--backbone", "staged.onnx", "--epochs", "1"]);
    expect(told).toContain("features: 3 stages look where the teacher's look, on 14×14, 8×8, 4×4 places");
  });

  it("says so and goes on where a network works on tokens", async () => {
    const lone = await run("lone", [...student, "--teacher", "tokens", "--match-features", "1", "--epochs", "1"]);
    expect(lone).toContain(
      "features: the teacher has no feature maps, so that --match-features has nothing to compare",
    );
    const plain = await run("plain", [...student, "--teacher", "tokens", "--epochs", "1"]);
    expect(plain).not.toContain("features:");
    expect(model("plain").equals(model("lone"))).toBe(true);
  });

  it("needs a teacher that names its classes: any other classifier is refused with what to do", async () => {
    const nameless = await graft([...student, "--teacher", "staged.onnx"], options);
    expect(nameless.code).not.toBe(0);
    expect(nameless.err).toContain("does not say which of its outputs is which class");
    expect(nameless.err).toContain("--backbone staged.onnx");
  });
});

/** Files of cached answers. */
function segments(): readonly string[] {
  const root = join(cwd, "cache/teachers");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".seg"))
    .map((name) => join(root, name));
}

/** Turns the bits of the last record's last byte over; twice is as before. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0);
  writeFileSync(path, bytes);
}
