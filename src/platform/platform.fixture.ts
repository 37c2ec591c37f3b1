import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "./platform.ts";

/** The small functions of every platform; engine, codec and store have contracts of their own. */
export function platformContract(name: string, makePlatform: () => Platform): void {
  describe(`${name} as a platform`, () => {
    const platform = makePlatform();

    it("hashes the concatenation of the parts", () => {
      // FIPS 180-4's examples: "abc" and the empty message.
      const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      expect(platform.digest(ascii("abc"))).toBe(abc);
      expect(platform.digest(ascii("a"), ascii(""), ascii("bc"))).toBe(abc);
      expect(platform.digest()).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    });

    it("computes the check value of CRC-32", () => {
      expect(platform.checksum(ascii("123456789"))).toBe(0xcbf43926);
      expect(platform.checksum(new Uint8Array(0))).toBe(0);
    });

    inflates(platform);

    it("has a clock that does not go backwards", () => {
      const before = platform.nowMs();
      expect(platform.nowMs()).toBeGreaterThanOrEqual(before);
    });

    it("decodes at least one image at a time and knows a folder for caches", () => {
      expect(platform.parallelism).toBeGreaterThanOrEqual(1);
      expect(platform.cacheDir).not.toBe("");
    });
  });
}

/** 1,000 times "a": zlib, level 9. */
const deflated = Uint8Array.of(0x4b, 0x4c, 0x1c, 0x05, 0xa3, 0x60, 0x14, 0x0c, 0x77, 0x00, 0x00);
const gzipped = Uint8Array.of(
  ...[0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03],
  ...deflated,
  ...[0x03, 0xda, 0x38, 0x9a, 0xe8, 0x03, 0, 0],
);

function inflates({ inflate }: Platform): void {
  const bodies = [
    ["gzip", gzipped],
    ["deflate-raw", deflated],
  ] as const;

  it.each(bodies)("inflates %s up to the limit", (format, body) => {
    expect(inflate(body, format, 1000)).toEqual(new Uint8Array(1000).fill(97));
    expect(() => inflate(body, format, 999)).toThrow(/over the limit of 999 bytes/);
    expect(() => inflate(body, format, 0)).toThrow(/over the limit of 0 bytes/);
  });

  it.each(bodies)("refuses %s that is cut short or damaged", (format, body) => {
    expect(() => inflate(body.subarray(0, body.length - 3), format, 1000)).toThrow(GraftError);
    expect(() => inflate(Uint8Array.of(7, 7, 7), format, 1000)).toThrow(/cannot be unpacked/);
    expect(() => inflate(new Uint8Array(0), format, 1000)).toThrow(/cannot be unpacked/);
  });
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
