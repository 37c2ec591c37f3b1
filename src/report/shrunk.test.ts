import fc from "fast-check";
import { expect, it } from "vitest";
import { shrunk } from "./shrunk.ts";

it("takes the mean of the pixels that one stands for", () => {
  const image = { width: 4, height: 2, channels: 1, data: Uint8Array.of(0, 10, 100, 200, 20, 30, 100, 200) } as const;
  expect(shrunk(image, 2)).toEqual({ width: 2, height: 1, channels: 1, data: Uint8Array.of(15, 150) });
});

it("keeps a plain colour, fits any shape into the side, and leaves small images as they are", () => {
  const side = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(side, side, side, (width, height, limit) => {
      const data = Uint8Array.from({ length: 3 * width * height }, (_, at) => [7, 80, 255][at % 3] ?? 0);
      const image = { width, height, channels: 3, data } as const;
      const small = shrunk(image, limit);
      expect(Math.max(small.width, small.height)).toBe(Math.min(limit, Math.max(width, height)));
      expect(small.data).toHaveLength(3 * small.width * small.height);
      expect([...small.data].every((level, at) => level === [7, 80, 255][at % 3])).toBe(true);
    }),
  );
});
