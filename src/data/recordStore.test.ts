import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodePlatform } from "../node/platform.ts";
import { RecordStore } from "./recordStore.ts";

const platform = nodePlatform();
const key = (i: number) => platform.digest(Uint8Array.of(i));
const record = (i: number) => new Uint8Array(8).fill(i);
const fresh = () => mkdtempSync(join(tmpdir(), "graft-records-"));

describe("a record store", () => {
  it("finds again what was flushed, and nothing else", async () => {
    const folder = fresh();
    const writer = await RecordStore.open(platform, folder, 8);
    for (const i of [1, 2, 3]) await writer.put(key(i), record(i));
    await writer.flush();
    await writer.put(key(4), record(4));
    const reader = await RecordStore.open(platform, folder, 8);
    for (const i of [1, 2, 3]) expect(await reader.get(key(i))).toEqual(record(i));
    expect(reader.has(key(4))).toBe(false);
    await expect(reader.get(key(4))).rejects.toThrow(/lost a record/);
  });

  it("holds what two writers add at once", async () => {
    const folder = fresh();
    const [a, b] = await Promise.all([RecordStore.open(platform, folder, 8), RecordStore.open(platform, folder, 8)]);
    for (const i of [1, 2]) await a.put(key(i), record(i));
    for (const i of [2, 3]) await b.put(key(i), record(i));
    await Promise.all([a.flush(), b.flush()]);
    const reader = await RecordStore.open(platform, folder, 8);
    for (const i of [1, 2, 3]) expect(await reader.get(key(i))).toEqual(record(i));
  });

  it("passes over a cut segment and refuses a changed record", async () => {
    const folder = fresh();
    const writer = await RecordStore.open(platform, folder, 8);
    await writer.put(key(1), record(1));
    await writer.flush();
    const [name = ""] = readdirSync(folder);
    const whole = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), whole.subarray(0, whole.length - 1));
    expect((await RecordStore.open(platform, folder, 8)).has(key(1))).toBe(false);
    const changed = Buffer.from(whole);
    changed[changed.length - 1] = 99;
    writeFileSync(join(folder, name), changed);
    await expect((await RecordStore.open(platform, folder, 8)).get(key(1))).rejects.toThrow(/is damaged/);
  });
});
