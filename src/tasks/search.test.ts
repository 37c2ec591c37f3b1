import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tinyClassifier } from "../backbones/classifier.fixture.ts";
import { stream } from "../base/random.ts";
import { nodePlatform } from "../node/platform.ts";
import { steppedHeads } from "../transfer/strategy.ts";
import { search } from "./search.ts";
import type { TaskEvent, TrialEntry } from "./task.ts";

const folder = mkdtempSync(join(tmpdir(), "graft-"));
const platform = nodePlatform({ cacheDir: join(folder, "cache") });
const base = { data: join(folder, "photos"), backbone: join(folder, "tiny.onnx") };

async function run(out: string, given: Readonly<Record<string, unknown>>): Promise<readonly TaskEvent[]> {
  const events: TaskEvent[] = [];
  const input = { ...base, out: join(folder, out), ...given };
  for await (const event of search.run(input, platform, new AbortController().signal)) events.push(event);
  return events;
}

/** The table without its times. */
function table(out: string): readonly Record<string, unknown>[] {
  const lines = readFileSync(join(folder, out, "trials.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => ({ ...JSON.parse(line), seconds: 0 }));
}

function ranking(events: readonly TaskEvent[]): readonly TrialEntry[] {
  return events.flatMap((event) => (event.type === "trials" ? event.entries : []));
}

const notes = (events: readonly TaskEvent[]) =>
  events.flatMap((event) => (event.type === "note" ? [event.text] : [])).join("\n");

beforeAll(async () => {
  writeFileSync(base.backbone, tinyClassifier());
  const { codec, store } = platform;
  for (const [channel, name] of ["red", "green", "blue"].entries()) {
    await store.makeFolder(join(base.data, name));
    for (let i = 0; i < 24; i++) {
      const random = stream(2, name, 0, i);
      const data = Uint8Array.from(
        { length: 24 * 24 * 3 },
        (_, at) => random.uniform(30, 200) + (at % 3 === channel ? 6 : 0),
      );
      const png = await codec.encodePng({ width: 24, height: 24, channels: 3, data });
      await store.write(join(base.data, name, `${i}.png`), png);
    }
  }
});

describe("a search", () => {
  it("pauses trials and goes on to the very figures of an unbroken training", async () => {
    const given = { space: "head=mlp|cosine,learningRate=1e-3..1e-2", trials: 10, epochs: 9 };
    await run("halved", given);
    await run("random", { ...given, method: "random" });
    const whole = table("random");
    const last = table("halved").filter(({ rung }) => rung === 2);
    // Three of nine that learn by epochs, and the solved head of the settings as they were.
    expect(last).toHaveLength(4);
    for (const row of last) expect(whole).toContainEqual({ ...row, rung: 1 });
  });

  it("ranks by accuracy, then by loss, those that dropped out behind all others", async () => {
    const entries = ranking(await run("ranked", { trials: 14, epochs: 9 }));
    expect(entries.map(({ trial }) => trial).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 14 }, (_, i) => i + 1),
    );
    const isFinished = entries.map((entry) => entry.isFinished);
    expect(isFinished).toEqual([...isFinished].sort((a, b) => Number(b) - Number(a)));
    const accuracies = entries.filter((entry) => entry.isFinished).map(({ accuracy }) => accuracy);
    expect(accuracies).toEqual([...accuracies].sort((a, b) => b - a));
    // What the space holds for heads with epochs agrees with what the heads do.
    for (const { values, epochs } of entries.filter((entry) => entry.trial > 1))
      expect(epochs !== undefined).toBe(steppedHeads.some((head) => head === values["head"]));
    for (const { accuracy, interval } of entries) {
      expect(interval[0]).toBeLessThanOrEqual(accuracy);
      expect(interval[1]).toBeGreaterThanOrEqual(accuracy - 1e-12);
    }
  });

  it("keeps going when a trial diverges, and says so when all do", async () => {
    const scratch = { backbone: undefined, size: 16, epochs: 2, optimizer: "sgd" };
    const events = await run("wild", { ...scratch, space: "learningRate=1e-3|1e30", trials: 3 });
    expect(notes(events)).toMatch(/learningRate 1e\+30: diverged/);
    expect(ranking(events).map(({ values }) => values)).toHaveLength(2);
    const all = run("lost", {
      ...scratch,
      learningRate: 1e30,
      space: "batchSize=8|16",
      trials: 3,
    });
    await expect(all).rejects.toMatchObject({ code: "diverged" });
  });

  it("begins all trials of fine-tuning at one solved head", async () => {
    const events = await run("tuned", { strategy: "fine-tune", trials: 3, epochs: 2 });
    expect(ranking(events).map(({ epochs }) => epochs)).toEqual([2, 2, 2]);
    const best = JSON.parse(readFileSync(join(folder, "tuned/best.json"), "utf8")).train;
    expect(best).toMatchObject({ strategy: "fine-tune", epochs: 2, data: base.data });
    expect(best).not.toHaveProperty("out");
  });

  it("is not continued with other images, with another space, as something else, or with other options", async () => {
    await run("begun", { trials: 2, space: "penalty=1..2" });
    const path = join(folder, "begun");
    const config = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
    const resumed = async (changes: object, more: object = {}) => {
      writeFileSync(join(path, "config.json"), JSON.stringify({ ...config, ...changes }));
      for await (const _ of search.run({ resume: path, ...more }, platform, new AbortController().signal));
    };
    await resumed({});
    await expect(resumed({}, { trials: 20 })).rejects.toThrow(/leave out "trials"/);
    await expect(resumed({ content: "0" })).rejects.toThrow(/the images or their labels have changed/);
    const other = { search: { ...config.search, space: "penalty=3..4" } };
    await expect(resumed(other)).rejects.toThrow(/belongs to another search: its trial 2 has other settings/);
    await expect(resumed({ search: undefined })).rejects.toThrow(
      /not written by "graft search": .* begins with "content"/,
    );
    writeFileSync(join(path, "trials.jsonl"), '{"trial": 1}\n');
    await expect(resumed({})).rejects.toThrow(/line 1 is not the result of a trial/);
  });
});
