import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { hScore, leep, logMe, negativeConditionalEntropy } from "./transferability.ts";

const caseSchema = z.object({
  name: z.string(),
  classes: z.number(),
  width: z.number(),
  labels: z.array(z.number()),
  features: z.array(z.number()),
  logMe: z.number(),
  hScore: z.number(),
});
const { cases } = z
  .object({ cases: z.array(caseSchema) })
  .parse(JSON.parse(readFileSync("test/reference/transferability.json", "utf8")));

describe("transferability", () => {
  it.each(cases)("equals the marginal likelihood and the covariances of SciPy and scikit-learn: $name", (stored) => {
    const rows = { values: stored.features, count: stored.labels.length, width: stored.width };
    expect(logMe(rows, stored.labels, stored.classes)).toBeCloseTo(stored.logMe, 6);
    expect(hScore(rows, stored.labels, stored.classes)).toBeCloseTo(stored.hScore, 6);
  });

  it("is higher for features that tell the classes apart than for the same features with their labels mixed", () => {
    const labels = Array.from({ length: 40 }, (_, i) => i % 2);
    const mixed = labels.map((_, i) => Math.floor(i / 2) % 2);
    const values = labels.flatMap((label, i) => [label + 0.1 * Math.sin(i), Math.cos(3 * i), 1]);
    const rows = { values, count: 40, width: 3 };
    expect(logMe(rows, labels, 2)).toBeGreaterThan(logMe(rows, mixed, 2) + 0.5);
    expect(hScore(rows, labels, 2)).toBeGreaterThan(hScore(rows, mixed, 2) + 0.5);
  });

  it("stays finite where features are all the same, or tell everything", () => {
    const labels = [0, 1, 0, 1];
    for (const values of [Array(8).fill(0), Array(8).fill(1), [1, 0, 0, 1, 1, 0, 0, 1]]) {
      const rows = { values, count: 4, width: 2 };
      expect(Number.isFinite(logMe(rows, labels, 2))).toBe(true);
      expect(Number.isFinite(hScore(rows, labels, 2))).toBe(true);
    }
  });

  it("LEEP of two samples by hand", () => {
    // P(z): 0.7, 0.3; P(y=0|z): 0.4/0.7, 0.1/0.3; then the expected likelihood of each label.
    const rows = { values: [0.8, 0.2, 0.6, 0.4], count: 2, width: 2 };
    const first = (0.8 * 0.4) / 0.7 + (0.2 * 0.1) / 0.3;
    const second = (0.6 * 0.3) / 0.7 + (0.4 * 0.2) / 0.3;
    expect(leep(rows, [0, 1], 2)).toBeCloseTo((Math.log(first) + Math.log(second)) / 2, 12);
  });

  it("NCE is minus the conditional entropy, and 0 where the source label tells all", () => {
    expect(negativeConditionalEntropy([0, 0, 1, 1], [0, 1, 1, 1], 2)).toBeCloseTo(-Math.LN2 / 2, 12);
    expect(negativeConditionalEntropy([2, 2, 0, 1], [0, 0, 1, 1], 2)).toBeCloseTo(0, 12);
    const labels = fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(labels, (pairs) => {
        const score = negativeConditionalEntropy(
          pairs.map(([source]) => source),
          pairs.map(([, target]) => target),
          3,
        );
        expect(score).toBeLessThanOrEqual(1e-12);
        expect(score).toBeGreaterThanOrEqual(-Math.log(3) - 1e-12);
      }),
    );
  });
});
