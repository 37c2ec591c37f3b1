import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { holm, mcnemar } from "./mcnemar.ts";

/** Answers of two classifiers that differ so often, and agree on some more. */
function answers(onlyFirst: number, onlySecond: number): readonly [number[], number[]] {
  const pairs = [
    ...Array.from({ length: onlyFirst }, () => [1, 0]),
    ...Array.from({ length: onlySecond }, () => [0, 1]),
  ];
  const all = [...pairs, [1, 1], [0, 0], [1, 1]];
  return [all.map(([first]) => first), all.map(([, second]) => second)];
}

describe("McNemar's test", () => {
  it.each(reference.mcnemar)("is statsmodels' for $onlyFirst against $onlySecond", (stored) => {
    const found = mcnemar(...answers(stored.onlyFirst, stored.onlySecond));
    expect(found).toMatchObject({ onlyFirst: stored.onlyFirst, onlySecond: stored.onlySecond });
    expect(found.exact).toBeCloseTo(stored.exact, 9);
    expect(found.midP).toBeCloseTo(stored.midP, 9);
  });
});

describe("Holm's p values", () => {
  it.each(reference.holm)("are statsmodels' for $values", ({ values, raised }) => {
    for (const [i, value] of holm(values).entries()) expect(value).toBeCloseTo(raised[i], 12);
  });

  it("are none of none", () => {
    expect(holm([])).toEqual([]);
  });
});
