import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sample } from "./source.ts";
import { splitSamples } from "./split.ts";

const labels = ["a", "b", "c"];
const unassigned = fc
  .tuple(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 2, max: 30 }), fc.integer({ min: 2, max: 30 }))
  .map((counts) =>
    counts.flatMap((count, label) =>
      Array.from({ length: count }, (_, i): Sample => ({ id: `${labels[label]}/${i}`, label })),
    ),
  );

describe("a split", () => {
  it("puts every image on one side and leaves each class on both", () => {
    fc.assert(
      fc.property(
        unassigned,
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.nat(1000),
        (samples, validation, seed) => {
          const split = splitSamples(samples, labels, { validation, seed });
          expect([...split.train, ...split.validation].sort((a, b) => a - b)).toEqual([...samples.keys()]);
          for (const side of [split.train, split.validation]) {
            expect(new Set(side.map((i) => samples[i]?.label)).size).toBe(3);
          }
        },
      ),
    );
  });

  it("does not depend on the order of listing", () => {
    fc.assert(
      fc.property(unassigned, fc.nat(1000), (samples, seed) => {
        const ids = (list: readonly Sample[]) => {
          const { validation } = splitSamples(list, labels, { validation: 0.3, seed });
          return validation.map((i) => list[i]?.id).sort();
        };
        expect(ids([...samples].reverse())).toEqual(ids(samples));
      }),
    );
  });

  it("never tears a group", () => {
    const samples = Array.from(
      { length: 60 },
      (_, i): Sample => ({ id: `${i}`, label: i % 2, group: `track ${i % 12}` }),
    );
    const { train, validation } = splitSamples(samples, ["a", "b"], { validation: 0.25, seed: 5 });
    const groups = (side: readonly number[]) => new Set(side.map((i) => samples[i]?.group));
    expect([...groups(train)].filter((group) => groups(validation).has(group))).toEqual([]);
    expect(validation.length).toBeGreaterThan(5);
  });

  it("keeps what the source assigns and says so", () => {
    const samples: Sample[] = (["train", "train", "validation", "test"] as const).map((split, i) => ({
      id: `${i}`,
      label: i % 2,
      split,
    }));
    const split = splitSamples(samples, ["a", "b"], { validation: 0.2, seed: 0 });
    expect(split).toMatchObject({ train: [0, 1], validation: [2], test: [3] });
    expect(split.account[0]).toContain("as the data set assigns them");
  });

  it("names the class that has too few images", () => {
    const samples: Sample[] = [0, 0, 1].map((label, i) => ({ id: `${i}`, label }));
    expect(() => splitSamples(samples, ["many", "lonely"], { validation: 0.2, seed: 0 })).toThrow(
      /"lonely" has 1 image /,
    );
  });
});
