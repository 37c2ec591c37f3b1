import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { accuracyOf, type Pair } from "../bench/officeCaltech.ts";
import { createEngine } from "../src/node/engine.ts";

const folder = process.env.GRAFT_BENCH_SURF ?? `${process.cwd()}/../shared/data/office-caltech10/surf`;
const compute = { engine: createEngine({ threads: 1 }) };
const [WD, DW]: readonly Pair[] = [
  ["W", "D"],
  ["D", "W"],
];

/** Nearest neighbour on SURF features, as published: Long et al. 2013, table 2 (none, GFK, TCA, JDA); Zhang et al. 2017, table 1 (SA). */
const published: readonly (readonly [string, Pair, number])[] = [
  ["none", WD, 59.24],
  ["none", DW, 63.39],
  ["TCA", WD, 87.26],
  ["TCA", DW, 86.1],
  ["GFK, 10 dimensions", WD, 80.89],
  ["GFK, 10 dimensions", DW, 75.59],
  ["SA", WD, 75.16],
  ["SA", DW, 76.95],
  ["JDA", WD, 89.17],
];

describe.skipIf(!existsSync(folder))(`Office-Caltech10, which is looked for in "${folder}" (GRAFT_BENCH_SURF)`, () => {
  it.each(published)(
    "%s on %j is within three points of the published %d",
    { timeout: 120_000 },
    async (method, pair, expected) => {
      const found = await accuracyOf(method, pair, folder, compute);
      expect(Math.abs(found - expected)).toBeLessThan(3);
    },
  );
});
