import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { imputed } from "./imputation.ts";

/** An image whose channels are what `level` says of a place. */
function imageOf(side: number, level: (x: number, y: number, channel: number) => number): Float32Array {
  return Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return level(pixel % side, Math.floor(pixel / side), i % 3);
  });
}

function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? 0))), 0);
}

describe("missing pixels", () => {
  it.each([
    [0.1, 0.5],
    [0.5, 1.5],
    [0.9, 1.5],
  ])("go on as a slope does around a square hole of %d of the image", (share, allowed) => {
    const side = 112;
    const slope = imageOf(side, (x, y, channel) => x + 0.5 * y + 20 * channel);
    const half = (Math.sqrt(share) * side) / 2;
    const isThere = Uint8Array.from({ length: side * side }, (_, pixel) => {
      const [x, y] = [pixel % side, Math.floor(pixel / side)];
      return Number(Math.abs(x - side / 2) >= half || Math.abs(y - side / 2) >= half);
    });
    const holed = slope.map((value, i) => (isThere[Math.floor(i / 3)] === 1 ? value : 255));
    expect(furthest(imputed(holed, side, isThere), slope)).toBeLessThan(allowed);
  });

  it("are each the weighted mean of the eight around them", () => {
    const side = 9;
    const random = stream(0, "imputation test");
    const image = imageOf(side, () => random.uniform(0, 255));
    const isThere = Uint8Array.from({ length: side * side }, () => Number(random.uniform() < 0.5));
    const filled = imputed(image, side, isThere);
    const at = (x: number, y: number) =>
      filled[3 * (Math.min(side - 1, Math.max(0, y)) * side + Math.min(side - 1, Math.max(0, x)))] ?? 0;
    for (const [pixel, there] of isThere.entries()) {
      const [x, y] = [pixel % side, Math.floor(pixel / side)];
      const beside = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
      const across = at(x - 1, y - 1) + at(x + 1, y - 1) + at(x - 1, y + 1) + at(x + 1, y + 1);
      const expected = there === 1 ? (image[3 * pixel] ?? 0) : beside / 6 + across / 12;
      expect(Math.abs(at(x, y) - expected)).toBeLessThan(0.5);
    }
  });

  it("lie between the pixels that are left, which stay; where none is, all is gray", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), fc.double({ min: 0, max: 1 }), (side, seed, share) => {
        const random = stream(seed, "imputation test");
        const image = imageOf(side, () => random.uniform(0, 255));
        const isThere = Uint8Array.from({ length: side * side }, () => Number(random.uniform() < share));
        const filled = imputed(image, side, isThere);
        const left = image.filter((_, i) => isThere[Math.floor(i / 3)] === 1);
        if (left.length === 0) return filled.every((value) => value === 127.5);
        const [least, most] = [Math.min(...left), Math.max(...left)];
        return filled.every((value, i) => {
          if (isThere[Math.floor(i / 3)] === 1) return value === image[i];
          // Over-relaxation may carry a pixel a little beyond.
          return value > least - 5 && value < most + 5;
        });
      }),
    );
  });
});
