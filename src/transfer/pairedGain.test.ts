import { describe, expect, it } from "vitest";
import { pairedGain } from "./pairedGain.ts";

describe("the gain of one classifier over another", () => {
  it("is the mean difference, with the standard error of a paired sample", () => {
    // Differences 1, 0, 0, −1, 1: mean 0.2, sample variance 0.7.
    const { gain, standardError } = pairedGain([0, 1, 0, 1, 0], [1, 1, 0, 0, 1]);
    expect(gain).toBeCloseTo(0.2, 12);
    expect(standardError).toBeCloseTo(Math.sqrt(0.7 / 5), 12);
  });

  it("is certain to be nothing when the answers are the same", () => {
    expect(pairedGain([1, 0, 1], [1, 0, 1])).toEqual({ gain: 0, standardError: 0 });
  });

  it("says nothing from a single image", () => {
    expect(pairedGain([0], [1]).standardError).toBe(Number.POSITIVE_INFINITY);
  });
});
