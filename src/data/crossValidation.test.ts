import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crossValidationOf } from "./crossValidation.ts";
import type { Sample } from "./source.ts";

const options = { folds: 4, validation: 0.25, seed: 3 };

function samplesOf(perClass: readonly number[], groupSize = 1): readonly Sample[] {
  return perClass.flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => ({
      id: `${label}/${i}`,
      label,
      ...(groupSize > 1 ? { group: `${label}-${Math.floor(i / groupSize)}` } : {}),
    })),
  );
}

describe("crossValidationOf", () => {
  it("holds every image out once, with no part in its own training or stopping", () => {
    const counts = fc.array(fc.integer({ min: 12, max: 40 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        counts,
        fc.integer({ min: 2, max: 6 }),
        fc.nat(),
        fc.constantFrom(1, 2),
        (perClass, folds, seed, size) => {
          const samples = samplesOf(perClass, size);
          const labels = perClass.map((_, i) => `class ${i}`);
          const { splits } = crossValidationOf(samples, labels, { folds, validation: 0.2, seed });
          const held = splits.flatMap(({ test }) => test).sort((a, b) => a - b);
          expect(held).toEqual(samples.map((_, i) => i));
          for (const { train, validation, test } of splits) {
            expect([...train, ...validation, ...test].sort((a, b) => a - b)).toEqual(held);
            expect(new Set(train.map((i) => samples[i]?.label)).size).toBe(labels.length);
            const unit = (i: number) => samples[i]?.group ?? samples[i]?.id;
            const inside = new Set([...train, ...validation].map(unit));
            expect(test.filter((i) => inside.has(unit(i)))).toEqual([]);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("keeps each class's share in every fold", () => {
    const samples = samplesOf([40, 8]);
    for (const { test } of crossValidationOf(samples, ["a", "b"], options).splits) {
      expect(test.filter((i) => samples[i]?.label === 0)).toHaveLength(10);
      expect(test.filter((i) => samples[i]?.label === 1)).toHaveLength(2);
    }
  });

  it("leaves the data set's own test images alone", () => {
    const samples = samplesOf([10, 10]).map(
      (sample, i): Sample => (i % 5 === 0 ? { ...sample, split: "test" } : sample),
    );
    const seen = crossValidationOf(samples, ["a", "b"], options).splits.flatMap(({ train, test }) => [
      ...train,
      ...test,
    ]);
    expect(seen.filter((i) => i % 5 === 0)).toEqual([]);
  });

  it("says which classes are not in every fold", () => {
    expect(crossValidationOf(samplesOf([12, 3]), ["many", "few"], options).account).toContainEqual(
      expect.stringMatching(/not in every fold.*"few"/),
    );
  });

  it("refuses a class of two images by its name", () => {
    expect(() => crossValidationOf(samplesOf([12, 2]), ["many", "few"], options)).toThrow(
      /"few" has 2 images.*needs 3/,
    );
  });

  it("refuses more folds than there are images to fill them", () => {
    expect(() => crossValidationOf(samplesOf([3, 3]), ["a", "b"], { ...options, folds: 7 })).toThrow(
      /--folds 7: too few images or groups/,
    );
  });
});
