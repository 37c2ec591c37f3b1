import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { halvingFactor, rungsOf } from "./halving.ts";

describe("successive halving", () => {
  it("gives the best third three times as many epochs, up to all of them", () => {
    expect(rungsOf(27, 27)).toEqual([
      { trials: 27, epochs: 3 },
      { trials: 9, epochs: 9 },
      { trials: 3, epochs: 27 },
    ]);
    expect(rungsOf(9, 12)).toEqual([
      { trials: 9, epochs: 4 },
      { trials: 3, epochs: 12 },
    ]);
  });

  it("has a single rung with fewer than three trials, or fewer than nine epochs", () => {
    expect(rungsOf(2, 100)).toEqual([{ trials: 2, epochs: 100 }]);
    expect(rungsOf(50, 8)).toEqual([{ trials: 50, epochs: 8 }]);
    expect(rungsOf(3, 9)).toHaveLength(2);
  });

  it("takes all trials first, and ends with all epochs and one trial at least", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 500 }), (trials, epochs) => {
        const rungs = rungsOf(trials, epochs);
        expect(rungs[0]?.trials).toBe(trials);
        expect(rungs.at(-1)?.epochs).toBe(epochs);
        expect(rungs.at(-1)?.trials).toBeGreaterThanOrEqual(1);
        for (const [i, rung] of rungs.entries()) {
          const before = rungs[i - 1];
          if (before === undefined) continue;
          expect(rung.trials).toBeLessThanOrEqual(before.trials / halvingFactor);
          expect(rung.epochs).toBeGreaterThan(before.epochs);
        }
      }),
    );
  });
});
