import { describe, expect, it } from "vitest";
import { leastConfidence, openAccuracy, thresholdedAnswers, unknownLabel } from "./openSet.ts";

describe("images of no class of the source", () => {
  it("are called unknown, or what no class is called", () => {
    expect(unknownLabel(["cat", "dog"])).toBe("unknown");
    expect(unknownLabel(["unknown", "dog"])).toBe("unknown 2");
    expect(unknownLabel(["unknown 2", "unknown"])).toBe("unknown 3");
  });

  it("are those whose answer is less sure than all but one in twenty of the source's", () => {
    // Twenty answers of ½, 0.51, …: one may be lost.
    const held = Float32Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? 0.5 + at / 200 : 0.5 - (at - 1) / 200));
    const least = leastConfidence(held, 2);
    expect(least).toBeCloseTo(0.51, 6);
    expect(thresholdedAnswers(Float32Array.of(0.505, 0.495, 0.49, 0.51, 0.2, 0.8), 2, 0.509)).toEqual([2, 1, 1]);
    expect(leastConfidence(new Float32Array(0), 2)).toBe(0);
  });

  it("are judged beside the known classes, each of which weighs the same", () => {
    // Class 0: one of one; class 1: one of three; unknown: two of four; one image nobody knows.
    const truth = [0, 1, 1, 1, 2, 2, 2, 2, -1];
    const found = openAccuracy([0, 1, 0, 2, 2, 2, 0, 1, 0], truth, 2);
    expect(found.known).toBeCloseTo(2 / 3, 12);
    expect(found.unknown).toBe(0.5);
    expect(found.harmonic).toBeCloseTo((2 * (2 / 3) * 0.5) / (2 / 3 + 0.5), 12);
  });

  it("have no figure where there are none of them, or nothing else; all wrong is 0", () => {
    expect(openAccuracy([0, 1], [0, 1], 2)).toEqual({ known: 1, unknown: undefined, harmonic: undefined });
    expect(openAccuracy([2, 1], [2, 2], 2)).toEqual({ known: undefined, unknown: 0.5, harmonic: undefined });
    expect(openAccuracy([2, 1], [0, 2], 2)).toEqual({ known: 0, unknown: 0, harmonic: 0 });
  });
});
