import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { viridisAt } from "./colourMap.ts";

const reference = z
  .array(z.array(z.number()).length(3))
  .length(256)
  .parse(JSON.parse(readFileSync("test/reference/viridis.json", "utf8")));

it("is matplotlib's viridis to 2 levels of 255", () => {
  const errors = reference.flatMap((colour, i) => {
    const found = viridisAt(i / 255);
    return colour.map((level, channel) => Math.abs(level - (found[channel] ?? Number.NaN)));
  });
  expect(Math.max(...errors)).toBeLessThanOrEqual(2);
});

it("has its darkest and brightest colour beyond both ends", () => {
  expect(viridisAt(-1)).toEqual([68, 1, 84]);
  expect(viridisAt(2)).toEqual([253, 231, 37]);
});
