import { cpSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { graft } from "./graft.fixture.ts";
import { temporaryFolder, writePhotos } from "./photos.fixture.ts";

const cwd = temporaryFolder();
const options = { cwd, cache: join(cwd, "cache") };
const short = ["--seconds", "0.05", "--batch-sizes", "1,3"];

beforeAll(async () => {
  await writePhotos(join(cwd, "photos"), { red: [190, 80, 80], green: [80, 190, 80] }, 12);
  const { code, err } = await graft(["train", "photos", "--out", "run", "--epochs", "1"], options);
  expect(code, err).toBe(0);
}, 120_000);

const latency = z.object({ count: z.number().int().positive(), p50Ms: z.number().positive(), p99Ms: z.number() });
const benchmarkSchema = z.object({
  type: z.literal("benchmark"),
  input: z.object({ decode: latency, prepare: latency }),
  forms: z.array(
    z.object({ form: z.string(), megabytes: z.number(), openMs: z.number(), firstMs: z.number(), warm: latency }),
  ),
  networks: z.array(
    z.object({
      form: z.string(),
      threads: z.number(),
      batchSize: z.number(),
      run: latency,
      imagesPerSecond: z.number(),
    }),
  ),
});

async function measured(...args: readonly string[]) {
  const { code, out, err } = await graft(["bench", ...args, ...short, "--json"], options);
  expect(code, err).toBe(0);
  const events = out
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  return benchmarkSchema.parse(events.find((event) => benchmarkSchema.safeParse(event).success));
}

describe("graft bench", () => {
  it("times a run by batch size and threads, and what lies before the network", async () => {
    const { input, forms, networks } = await measured("run", "--thread-counts", "1,2");
    expect(forms.map(({ form }) => form)).toEqual(["float32"]);
    expect(networks.map(({ threads, batchSize }) => [threads, batchSize])).toEqual([
      [1, 1],
      [1, 3],
      [2, 1],
      [2, 3],
    ]);
    for (const { run, batchSize, imagesPerSecond } of networks) {
      expect(run.p99Ms).toBeGreaterThanOrEqual(run.p50Ms);
      // A run is at least half the median in half of the cases, so the mean is no less than a quarter of it.
      expect(imagesPerSecond).toBeLessThanOrEqual((4000 * batchSize) / run.p50Ms);
    }
    const [{ warm, megabytes } = { warm: input.decode, megabytes: 0 }] = forms;
    expect(warm.p99Ms).toBeGreaterThan(Math.min(input.decode.p50Ms, input.prepare.p50Ms));
    expect(megabytes).toBeGreaterThan(0);
  });

  it("sets exported forms beside it, on images that are given", async () => {
    cpSync(join(cwd, "run"), join(cwd, "both"), { recursive: true });
    const exported = await graft(["export", "both", "--to", "onnx-fp16"], options);
    expect(exported.code, exported.err).toBe(0);
    const { forms, networks } = await measured(
      "both",
      "photos/red/0.png",
      "photos/green/1.png",
      "--thread-counts",
      "1",
    );
    expect(forms.map(({ form }) => form)).toEqual(["float32", "fp16"]);
    const [float32, fp16] = forms.map(({ megabytes }) => megabytes);
    expect(fp16).toBeLessThan(float32 ?? 0);
    expect(networks.map(({ form }) => form)).toEqual(["float32", "fp16", "float32", "fp16"]);
  });

  it("prints tables with units", async () => {
    const { code, out, err } = await graft(["bench", "run", ...short, "--thread-counts", "1"], options);
    expect(code, err).toBe(0);
    expect(out).toMatch(/^ +MB +open ms +first ms +p50 ms +p99 ms +runs$/m);
    expect(out).toMatch(/^float32 +\d+\.\d+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +\d+$/m);
    expect(out).toMatch(/^of that: decoding [\d.]+ ms, preparing [\d.]+ ms/m);
    expect(out).toMatch(/^float32 +1 +3 +[\d.]+ +[\d.]+ +\d+ +[\d.]+$/m);
    expect(err).toContain("graft export run --to onnx-int8");
  });

  it("refuses what it cannot measure", async () => {
    const sizes = await graft(["bench", "run", "--batch-sizes", "1,x"], options);
    expect([sizes.code, sizes.err]).toEqual([2, expect.stringMatching(/--batch-sizes: found "1,x"; expected whole/)]);
    const missing = await graft(["bench", "run", "nowhere.jpg"], options);
    expect([missing.code, missing.err]).toEqual([1, expect.stringMatching(/"nowhere.jpg": does not exist/)]);
  });

  it("tells what was measured when it is interrupted", async () => {
    const killAt = { pattern: /images, float32/, signal: "SIGINT" } as const;
    const { code, out, err } = await graft(["bench", "run", "--seconds", "600"], { ...options, killAt });
    expect([code, err]).toEqual([130, expect.stringContaining("stopped before all was measured")]);
    expect(out).toContain("from an image's file to its labels");
  });
});
