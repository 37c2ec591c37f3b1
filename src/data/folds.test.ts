import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldsOf } from "./folds.ts";
import type { Sample } from "./source.ts";

const sample = (i: number, label: number, group?: string): Sample => ({
  id: `image ${i}`,
  label,
  ...(group === undefined ? {} : { group }),
});

describe("the folds of cross-validation", () => {
  it("hold out every image once, each class as evenly as can be", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 2, max: 6 }),
        (labels, count) => {
          const samples = labels.map((label, i) => sample(i, label));
          const folds = foldsOf(samples, [...samples.keys()], { count, seed: 1 });
          for (const label of new Set(labels)) {
            const own = [...folds].filter((_, i) => labels[i] === label);
            if (own.length === 1) expect(own).toEqual([-1]);
            else {
              const sizes = Array.from({ length: count }, (_, fold) => own.filter((held) => held === fold).length);
              expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
              expect(own).not.toContain(-1);
            }
          }
        },
      ),
      { seed: 1 },
    );
  });

  it("keep a group whole, across classes too", () => {
    const samples = Array.from({ length: 60 }, (_, i) => sample(i, i % 3, `track ${i % 7}`));
    const folds = foldsOf(samples, [...samples.keys()], { count: 4, seed: 2 });
    for (let track = 0; track < 7; track++) {
      expect(new Set([...folds].filter((_, i) => i % 7 === track)).size).toBe(1);
    }
    expect(new Set(folds).size).toBe(4);
  });

  it("never hold out a class's only group, in no class", () => {
    const samples = Array.from({ length: 30 }, (_, i) =>
      sample(i, i < 27 ? i % 2 : 2, i < 24 ? `track ${i % 8}` : "only"),
    );
    const folds = foldsOf(samples, [...samples.keys()], { count: 3, seed: 1 });
    expect([...folds].slice(24)).toEqual(new Array(6).fill(-1));
    expect([...folds].slice(0, 24)).not.toContain(-1);
  });

  it("depend on the seed, not on the order of the images", () => {
    const samples = Array.from({ length: 40 }, (_, i) => sample(i, i % 2));
    const forward = foldsOf(samples, [...samples.keys()], { count: 5, seed: 3 });
    const backward = foldsOf(samples, [...samples.keys()].reverse(), { count: 5, seed: 3 });
    expect([...backward].reverse()).toEqual([...forward]);
    expect([...foldsOf(samples, [...samples.keys()], { count: 5, seed: 4 })]).not.toEqual([...forward]);
  });
});
