import { beforeEach, describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import type { Store } from "./platform.ts";

/** What every store does. `makeFolder` gives a new, empty folder inside it. */
export function storeContract(name: string, store: Store, makeFolder: () => Promise<string>): void {
  describe(`${name} as a store`, () => {
    let folder = "";
    const at = (...segments: string[]) => store.join(folder, ...segments);
    beforeEach(async () => {
      folder = await makeFolder();
    });

    writes(store, at);
    reads(store, at);
    keepsFolders(store, at);

    it("joins paths, a segment that is absolute replacing what stands before it", () => {
      expect(store.join("a", "b", "../c")).toBe(store.join("a", "c"));
      expect(store.join("a", folder, "b")).toBe(store.join(folder, "b"));
      expect(store.baseName(store.join("a", "b.jpg"))).toBe("b.jpg");
      expect(store.absolute(folder)).toBe(folder);
      expect(store.join(store.absolute("a"), "b")).toBe(store.absolute(store.join("a", "b")));
    });
  });
}

type At = (...segments: string[]) => string;

const encode = (text: string) => new TextEncoder().encode(text);

function writes(store: Store, at: At): void {
  it("writes a file, whole or in parts, over an older one, and leaves nothing else behind", async () => {
    await store.write(at("a"), encode("an older and longer text"));
    await store.write(at("a"), [encode("new "), encode(""), encode("text")]);
    await store.write(at("empty"), []);
    expect(await store.read(at("a"))).toEqual(encode("new text"));
    expect(await store.read(at("empty"))).toEqual(new Uint8Array(0));
    expect(await store.list(at())).toEqual([
      { name: "a", kind: "file" },
      { name: "empty", kind: "file" },
    ]);
  });

  it("says where a file cannot be written, and leaves nothing behind", async () => {
    await failed(store.write(at("none", "a"), encode("a")), "input", at("none", "a"), /create the folder/);
    await store.makeFolder(at("taken"));
    await failed(store.write(at("taken"), encode("a")), "input", at("taken"), /is a folder/);
    expect(await store.list(at())).toEqual([{ name: "taken", kind: "folder" }]);
  });

  it("gives one of the texts, whole, when many write at once", async () => {
    const texts = Array.from({ length: 8 }, (_, i) => encode(String(i).repeat(50_000)));
    await Promise.all(texts.map((text) => store.write(at("a"), text)));
    const found = await store.read(at("a"));
    expect(texts.some((text) => text.length === found.length && text.every((byte, i) => byte === found[i]))).toBe(true);
    expect(await store.list(at())).toHaveLength(1);
  });
}

function reads(store: Store, at: At): void {
  it("tells kind, size and time, or that there is nothing", async () => {
    await store.write(at("a"), encode("12345"));
    const info = await store.info(at("a"));
    expect(info).toMatchObject({ kind: "file", size: 5 });
    expect(info?.modifiedMs).toBeGreaterThan(1e12);
    expect(await store.info(at())).toMatchObject({ kind: "folder" });
    expect(await store.info(at("none"))).toBeUndefined();
    expect(await store.info(at("a", "below"))).toBeUndefined();
  });

  it("gives the real path of what is there", async () => {
    await store.write(at("a"), encode("a"));
    const real = await store.realPath(at());
    expect(await store.realPath(store.join(at(), "none", "..", "a"))).toBe(store.join(real, "a"));
    expect(await store.realPath(real)).toBe(real);
    await failed(store.realPath(at("none")), "input", at("none"), /nothing found/);
  });

  it("reads a part, and says when the file is shorter", async () => {
    await store.write(at("a"), encode("0123456789"));
    expect(await store.readAt(at("a"), 3, 4)).toEqual(encode("3456"));
    expect(await store.readAt(at("a"), 10, 0)).toEqual(new Uint8Array(0));
    await failed(store.readAt(at("a"), 8, 4), "input", at("a"), /ends early: 10 bytes, expected at least 12/);
  });

  it("streams a file larger than one chunk, in order", async () => {
    const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 31) % 253);
    await store.write(at("a"), bytes);
    const found = new Uint8Array(bytes.length);
    let end = 0;
    let chunks = 0;
    for await (const chunk of store.stream(at("a"))) {
      found.set(chunk, end);
      end += chunk.length;
      chunks++;
    }
    expect(chunks).toBeGreaterThan(1);
    expect(end).toBe(bytes.length);
    expect(found.every((byte, i) => byte === bytes[i])).toBe(true);
  });

  it("names the path that is missing", async () => {
    const missing = at("none");
    const stream = async () => {
      for await (const _ of store.stream(missing)) break;
    };
    const rename = () => store.rename(missing, at("b"));
    const works = [
      () => store.read(missing),
      () => store.readAt(missing, 0, 1),
      () => store.list(missing),
      stream,
      rename,
    ];
    // One at a time: a promise that fails while another is awaited counts as unhandled.
    for (const work of works) await failed(work(), "input", missing, /nothing found/);
  });

  it("says that a folder is not a file", async () => {
    await failed(store.read(at()), "input", at(), /is a folder, expected a file/);
  });
}

function keepsFolders(store: Store, at: At): void {
  it("lists names in the order of their code units", async () => {
    for (const name of ["b", "a10", "B", "a9", "é"]) await store.write(at(name), encode(""));
    await store.makeFolder(at("a"));
    const names = (await store.list(at())).map((entry) => entry.name);
    expect(names).toEqual(["B", "a", "a10", "a9", "b", "é"]);
  });

  it("makes folders with all above them, and does not mind that they exist", async () => {
    await store.makeFolder(at("a", "b", "c"));
    await store.makeFolder(at("a", "b", "c"));
    expect(await store.info(at("a", "b", "c"))).toMatchObject({ kind: "folder" });
  });

  it("lets one of many claim a folder", async () => {
    const claims = await Promise.all(Array.from({ length: 6 }, () => store.claimFolder(at("runs", "1"))));
    expect(claims.filter((claimed) => claimed)).toHaveLength(1);
    expect(await store.claimFolder(at("runs", "1"))).toBe(false);
  });

  it("removes files and full folders, and does not mind missing ones", async () => {
    await store.makeFolder(at("a", "b"));
    await store.write(at("a", "b", "c"), encode("c"));
    await store.remove(at("a"));
    await store.remove(at("a"));
    expect(await store.list(at())).toEqual([]);
  });

  it("renames a file over another one", async () => {
    await store.write(at("a"), encode("a"));
    await store.write(at("b"), encode("b"));
    await store.rename(at("a"), at("b"));
    expect(await store.read(at("b"))).toEqual(encode("a"));
    expect(await store.info(at("a"))).toBeUndefined();
  });
}

async function failed(work: Promise<unknown>, code: GraftError["code"], path: string, message: RegExp): Promise<void> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GraftError);
  expect(thrown).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(thrown).toMatchObject({ message: expect.stringContaining(`"${path}"`) });
}
