import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../src/backbones/classifier.fixture.ts";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const onFeatures = ["search", "photos", "--backbone", "tiny.onnx", "--epochs", "9", "--trials", "12", "--seed", "1"];
const run = (...args: readonly string[]) => graft(args, options);
const text = (path: string) => readFileSync(join(cwd, path), "utf8");

/** The table without its times, by trial and rung: what must not depend on how often a search was cut off. */
function table(folder: string): readonly Record<string, unknown>[] {
  const lines = text(`${folder}/trials.jsonl`).trimEnd().split("\n");
  return lines.map((line) => ({ ...JSON.parse(line), seconds: 0 }));
}

beforeAll(async () => {
  writeFileSync(join(cwd, "tiny.onnx"), tinyClassifier());
  // Four levels apart under noise of 180: no head gets all of them right.
  const colours = { red: [119, 115, 115], green: [115, 119, 115], blue: [115, 115, 119] } as const;
  await writePhotos(join(cwd, "photos"), colours, 40);
  await writePhotos(join(cwd, "tested/train"), colours, 20);
  await writePhotos(join(cwd, "tested/test"), colours, 10);
  const { code, err } = await run(...onFeatures, "--out", "whole");
  expect(code, err).toBe(0);
});

describe("graft search", () => {
  it("halves: trials that learn by epochs go on where they stood, and solved heads are measured once", () => {
    const rows = table("whole");
    const first = rows.filter(({ rung, epochs }) => rung === 1 && epochs === 3);
    const last = rows.filter(({ rung, epochs }) => rung === 2 && epochs !== undefined);
    expect(last).toHaveLength(Math.floor(first.length / 3));
    expect(first.length + rows.filter(({ epochs }) => epochs === undefined).length).toBe(12);
    for (const { epochs } of last) expect(epochs).toBeGreaterThan(3);
    // Nothing is left that only the search needed.
    expect(existsSync(join(cwd, "whole/checkpoints"))).toBe(false);
  });

  it("leaves the best settings in the form that train takes, and train reaches what the table says", async () => {
    const { best } = JSON.parse(text("whole/account.json"));
    const row = table("whole").findLast(({ trial }) => trial === best);
    const { code, err } = await run("train", "--config", "whole/best.json", "--out", "trained");
    expect(code, err).toBe(0);
    expect(JSON.parse(text("trained/metrics.json")).validation.accuracy).toBeCloseTo(Number(row?.["accuracy"]), 9);
  });

  it("shows the ranking on standard output, and says how far the best figure flatters", async () => {
    const space = ["--space", "head=mlp|cosine,learningRate=1e-3..1e-2"];
    const { code, out, err } = await run(
      "search",
      "tested",
      "--backbone",
      "tiny.onnx",
      "--trials",
      "5",
      "--epochs",
      "9",
      ...space,
    );
    expect(code, err).toBe(0);
    expect(out).toMatch(/rank\s+trial\s+head\s+learningRate\s+epochs\s+right %\s+95 % interval/);
    expect(out).toMatch(/\b1\s+as it was/);
    expect(err).toMatch(/best: trial \d+ .*: \d+\.\d % of 12 images right \[/);
    expect(err).toMatch(/that figure flatters: picks made on resampled images/);
    expect(err).toMatch(/test: trial \d+ .*% of 30 images right/);
    expect(err).toContain("train it: graft train --config runs/tested-search/best.json");
    // Asked again, a search that is over says the same.
    const again = await run("search", "--resume", "runs/tested-search");
    expect(again.code, again.err).toBe(0);
    expect(again.out).toBe(out);
    expect(again.err).toContain(err.match(/test: trial .*/)?.[0] ?? "nothing");
  });
});

describe("a search that was cut off", () => {
  it.each([
    ["within the first rung", /trial 4\/12/],
    ["later on", /go on, up to 9 epochs/],
  ])("ends with the same table after kill -9 %s, and repeats nothing", async (where, pattern) => {
    const out = where.replaceAll(" ", "-");
    const killed = await graft([...onFeatures, "--out", out], { ...options, killAt: { pattern, signal: "SIGKILL" } });
    expect(killed.code).toBe(null);
    const before = table(out);
    const resumed = await run("search", "--resume", out);
    expect(resumed.code, resumed.err).toBe(0);
    expect(resumed.err).toMatch(/resuming: \d+ of 12 trials have been measured/);
    expect(table(out)).toEqual(table("whole"));
    expect(table(out).slice(0, before.length)).toEqual(before);
    expect(text(`${out}/best.json`)).toBe(text("whole/best.json"));
    const { bias, ...account } = JSON.parse(text(`${out}/account.json`));
    expect({ bias, ...account }).toEqual(JSON.parse(text("whole/account.json")));
    // Those that were measured before are not told again.
    expect(resumed.err.match(/^trial \d+\/12/gm) ?? []).toHaveLength(table(out).length - before.length);
  });

  it("saves at Ctrl-C and prints the command that goes on", async () => {
    const stopped = await graft([...onFeatures, "--out", "stopped"], {
      ...options,
      killAt: { pattern: /trial 3\/12/, signal: "SIGINT" },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain("Continue with: graft search --resume stopped");
    const { code, err } = await run("search", "--resume", "stopped");
    expect(code, err).toBe(0);
    expect(table("stopped")).toEqual(table("whole"));
  });
});
