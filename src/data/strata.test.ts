import { describe, expect, it } from "vitest";
import type { Sample } from "./source.ts";
import { splitSamples } from "./split.ts";
import { strataOf } from "./strata.ts";
import type { TargetColumn, TargetValue } from "./targetColumns.ts";

const kind: TargetColumn = { kind: "classes", name: "kind", labels: ["a", "b"] };
const weight: TargetColumn = { kind: "number", name: "weight" };

/** Samples as a source gives them whose column `first` is the first one with classes. */
function samplesOf(rows: readonly (readonly TargetValue[])[], first = -1): readonly Sample[] {
  return rows.map((targets, i) => ({ id: `${i}`.padStart(3, "0"), label: targets[first] ?? -1, targets }));
}

const labelsOf = (samples: readonly Sample[]) => samples.map(({ label }) => label);

describe("strata of images with several labels", () => {
  it("are the classes of the first column with classes, and the images without one", () => {
    const rows = Array.from({ length: 12 }, (_, i) => [i, [0, 1, undefined][i % 3]]);
    const strata = strataOf(samplesOf(rows, 1), { labels: kind.labels, targets: [weight, kind] });
    expect(strata).toMatchObject({ by: "kind", labels: ["a", "b", "no kind"] });
    expect(labelsOf(strata.samples)).toEqual(rows.map((_, i) => i % 3));
  });

  it("lets a single image without a class join the largest stratum, so that the split has no part of one", () => {
    const rows = [...Array.from({ length: 5 }, () => [0]), [1], [1], [undefined]];
    const strata = strataOf(samplesOf(rows, 0), { labels: kind.labels, targets: [kind] });
    expect(strata.labels).toEqual(["a", "b"]);
    expect(labelsOf(strata.samples)).toEqual([0, 0, 0, 0, 0, 1, 1, 0]);
  });

  it("are quarters where there are only numbers, so that validation sees small and large ones", () => {
    const rows = Array.from({ length: 40 }, (_, i) => [(i * 7) % 40]);
    const strata = strataOf(samplesOf(rows), { labels: [], targets: [weight] });
    expect(strata.labels).toEqual([1, 2, 3, 4].map((quarter) => `quarter ${quarter} of weight`));
    const { validation, account } = splitSamples(
      strata.samples,
      strata.labels,
      { validation: 0.2, seed: 3 },
      strata.by,
    );
    const quarters = validation.map((i) => Math.floor((rows[i]?.[0] ?? 0) / 10)).sort();
    expect(quarters).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(account[0]).toContain("stratified by weight");
  });

  it("keeps equal numbers together, and is one stratum for a handful of images", () => {
    const two = strataOf(samplesOf([[1], [1], [1], [1], [1], [9], [9]]), { labels: [], targets: [weight] });
    expect(new Set(labelsOf(two.samples)).size).toBe(2);
    expect(new Set(labelsOf(two.samples).slice(0, 5)).size).toBe(1);
    const few = strataOf(samplesOf([[1], [2], [3]]), { labels: [], targets: [weight] });
    expect(few.labels).toHaveLength(1);
  });
});
