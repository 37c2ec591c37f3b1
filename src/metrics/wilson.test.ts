import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { normalQuantile } from "./normalQuantile.ts";
import { wilsonInterval } from "./wilson.ts";

describe("Wilson's interval", () => {
  it.each(reference.wilson)("is statsmodels' for $successes of $count at $level", (stored) => {
    const { lower, upper } = wilsonInterval(stored.successes / stored.count, stored.count, stored.level);
    expect(lower).toBeCloseTo(stored.lower, 9);
    expect(upper).toBeCloseTo(stored.upper, 9);
  });

  it.each([
    [1.1, 10, 0.95],
    [Number.NaN, 10, 0.95],
    [0.5, 0, 0.95],
    [0.5, 10, 1],
  ])("refuses %d of %d at %d", (...wrong) => {
    expect(() => wilsonInterval(...wrong)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

it.each(reference.normalQuantile)("the normal quantile of $p is SciPy's", ({ p, value }) => {
  expect(normalQuantile(p)).toBeCloseTo(value, 9);
});
