import { describe, expect, it } from "vitest";
import { compareAnswers } from "./comparison.ts";
import { mcnemar } from "./mcnemar.ts";

const answers = (right: number, count: number) => Array.from({ length: count }, (_, i) => (i < right ? 1 : 0));

describe("classifiers on the same samples", () => {
  it("are each compared with the first", () => {
    const [first, second] = compareAnswers([answers(60, 100), answers(75, 100)]);
    expect(first.against).toBeUndefined();
    expect(second.accuracy).toBe(0.75);
    expect(second.against?.gain).toBeCloseTo(0.15, 12);
    expect(second.against).toMatchObject({ onlyFirst: 0, onlySecond: 15 });
    // Fifteen of a hundred differ, all one way: draws of the gain are Binomial(100, 0.15) / 100, with 2.5 % and 97.5 % quantiles 0.08 and 0.22.
    expect(Math.abs((second.against?.interval.lower ?? 0) - 0.08)).toBeLessThanOrEqual(0.0101);
    expect(Math.abs((second.against?.interval.upper ?? 0) - 0.22)).toBeLessThanOrEqual(0.0101);
  });

  it("are paired: where they agree, there is no doubt, whatever their own intervals", () => {
    const [, same] = compareAnswers([answers(50, 100), answers(50, 100)]);
    expect(same.against).toMatchObject({ gain: 0, interval: { lower: 0, upper: 0 }, exact: 1, midP: 1 });
  });

  it("raise their p values when they are several", () => {
    const all = [answers(60, 100), answers(66, 100), answers(75, 100)];
    const [, near, far] = compareAnswers(all);
    expect(far.against?.exact).toBeCloseTo(2 * mcnemar(all[0], all[2]).exact, 15);
    expect(near.against?.exact).toBeCloseTo(mcnemar(all[0], all[1]).exact, 15);
  });
});
