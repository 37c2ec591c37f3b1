import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { readZip, zipNames } from "./zip.ts";

const some = new TextEncoder().encode("some content that deflates: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

/** Writes a number over the field at `offset` of every central directory entry. */
function withField(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  for (let at = 0; at + 46 <= changed.length; at++) {
    if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + offset, value, true);
  }
  return changed;
}

describe("a zip archive", () => {
  it.each([0, 6] as const)("gives its members, stored or deflated (level %d), but not its folders", (level) => {
    const bytes = zipSync({ "a/b.txt": some, "a/": new Uint8Array(), c: new Uint8Array() }, { level });
    expect([...readZip(bytes, "x.zip").keys()]).toEqual(["a/b.txt", "c"]);
    expect(readZip(bytes, "x.zip").get("a/b.txt")).toEqual(some);
    expect([...readZip(bytes, "x.zip", (name) => name === "c").keys()]).toEqual(["c"]);
    expect(zipNames(bytes, "x.zip")).toEqual(["a/b.txt", "c"]);
  });

  it.each(["../a", "/a", "a/../../b", "..\\a", "C:\\a", "c:a", "a/..", "\\a", "a\0b"])(
    "with the member %j, which leads out, is refused",
    (name) => {
      expect(() => readZip(zipSync({ [name]: some }), "x.zip")).toThrow(/leads out of the archive/);
    },
  );

  it("with names that only look so is read", () => {
    const names = ["..a", "a..", "a/...b", "a.b/c"];
    const bytes = zipSync(Object.fromEntries(names.map((name) => [name, some])));
    expect([...readZip(bytes, "x.zip").keys()]).toEqual(names);
  });

  it("with a member twice is refused", () => {
    const bytes = zipSync({ aaaa: some, bbbb: some });
    const text = Buffer.from(bytes).toString("latin1").replaceAll("bbbb", "aaaa");
    expect(() => readZip(new Uint8Array(Buffer.from(text, "latin1")), "x.zip")).toThrow(/"aaaa" comes twice/);
  });

  it("that claims to unpack to more than it can is refused before it unpacks", () => {
    expect(() => readZip(withField(zipSync({ a: some }), 24, 0x7fffffff), "x.zip")).toThrow(
      /claims to unpack to 2147483647 bytes/,
    );
  });

  it.each([
    ["says more", withField(zipSync({ a: some }), 24, some.length + 1)],
    ["lies outside", withField(zipSync({ a: some }, { level: 0 }), 42, 0xffff)],
    ["has no directory", zipSync({ a: some }).slice(0, -30)],
    ["is nothing", new Uint8Array(0)],
  ])("that %s is refused", (_, bytes) => {
    expect(() => readZip(bytes, "x.zip")).toThrow(GraftError);
    expect(() => readZip(bytes, "x.zip")).toThrow(/"x.zip" is not a whole zip archive/);
  });
});
