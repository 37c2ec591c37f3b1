import { describe, expect, it } from "vitest";
import { deepEmbeddedValidation, densityRatios } from "./deepEmbeddedValidation.ts";
import { ensembleAgreement } from "./ensembleAgreement.ts";
import { meanEntropy } from "./entropy.ts";
import { infoMax } from "./infoMax.ts";
import { neighbourhoodDensity } from "./neighbourhoodDensity.ts";
import { sourceLosses } from "./sourceRisk.ts";

/** Probabilities are float32, exact to 6e-8 of their size. */
const digits = 6;
const sure = Float32Array.of(1, 0, 0, 1);
const torn = Float32Array.of(0.5, 0.5, 0.5, 0.5);
const { LN2 } = Math;

describe("validators by hand", () => {
  it("source risk is −log p of the true class, and a sure mistake costs a finite amount", () => {
    expect([...sourceLosses(Float32Array.of(0.25, 0.75, 0.5, 0.5), [1, 0], 2)]).toEqual([
      expect.closeTo(-Math.log(0.75), digits),
      expect.closeTo(LN2, digits),
    ]);
    expect(sourceLosses(sure, [1, 1], 2)[0]).toBeCloseTo(Math.log(1e7), digits);
  });

  it("entropy is zero for sure answers, log 2 for torn ones, and the mean between", () => {
    expect(meanEntropy(sure, 2)).toBeCloseTo(0, digits);
    expect(meanEntropy(torn, 2)).toBeCloseTo(LN2, digits);
    expect(meanEntropy(Float32Array.of(1, 0, 0.5, 0.5), 2)).toBeCloseTo(LN2 / 2, digits);
  });

  it("InfoMax is H(mean p) − mean H(p): log 2 for sure answers of both classes, zero where all are alike", () => {
    expect(infoMax(sure, 2)).toBeCloseTo(LN2, digits);
    expect(infoMax(torn, 2)).toBeCloseTo(0, digits);
    expect(infoMax(Float32Array.of(1, 0, 1, 0), 2)).toBeCloseTo(0, digits);
    // Mean (0.7, 0.3): H = −0.7 log 0.7 − 0.3 log 0.3; each (0.9, 0.1) and (0.5, 0.5).
    const h = (p: number) => -p * Math.log(p) - (1 - p) * Math.log(1 - p);
    expect(infoMax(Float32Array.of(0.9, 0.1, 0.5, 0.5), 2)).toBeCloseTo(h(0.7) - (h(0.9) + h(0.5)) / 2, digits);
  });

  it("agreement is with the class that all together find likeliest, sure answers counting more than torn ones", () => {
    // Means (0.6, 0.4), (0.3, 0.7), (0.55, 0.45): the first two classifiers are two against one where the third is surer.
    const first = Float32Array.of(0.6, 0.4, 0.2, 0.8, 0.3, 0.7);
    const second = Float32Array.of(0.8, 0.2, 0.3, 0.7, 0.4, 0.6);
    const third = Float32Array.of(0.4, 0.6, 0.4, 0.6, 0.95, 0.05);
    expect(ensembleAgreement([first, second, third], 2).map((row) => [...row])).toEqual([
      [1, 1, 0],
      [1, 1, 0],
      [0, 1, 1],
    ]);
    expect(ensembleAgreement([], 2)).toEqual([]);
  });

  it("DEV is the mean of w·loss plus η(mean w − 1)", () => {
    // wℓ = 1, 6, 0 and w = 1, 3, 2: means 7/3 and 2; Cov = ((−4/3)(−1) + (11/3)(1) + 0)/3 = 5/3, Var = 2/3, η = −5/2.
    expect(deepEmbeddedValidation([1, 2, 0], [1, 3, 2])).toBeCloseTo(7 / 3 - 5 / 2, 12);
  });

  it("DEV with equal ratios is the mean loss times their value", () => {
    expect(deepEmbeddedValidation([1, 2, 3], [1, 1, 1])).toBeCloseTo(2, 12);
  });

  it("DEV of a loss that never changes is that loss, whatever the ratios", () => {
    expect(deepEmbeddedValidation([3, 3, 3], [0.2, 5, 1])).toBeCloseTo(3, 12);
  });

  it("density ratios weigh by the sizes of the domains", () => {
    expect([...densityRatios([0.5, 0.8], { source: 30, target: 10 })]).toEqual([
      expect.closeTo(3, 12),
      expect.closeTo(12, 12),
    ]);
  });

  it("soft neighbourhood density: two pairs of copies, by hand", () => {
    // Of each image the others are one copy (cosine 1) and two strangers (cosine 0): softmax of 20, 0, 0.
    const rows = Float32Array.of(1, 0, 1, 0, 0, 1, 0, 1);
    const total = Math.exp(20) + 2;
    const entropy = Math.log(total) - (20 * Math.exp(20)) / total;
    expect(neighbourhoodDensity(rows, 2)).toBeCloseTo(entropy, 9);
  });

  it("soft neighbourhood density of n equal answers is log (n − 1)", () => {
    expect(neighbourhoodDensity(new Float32Array(10).fill(0.5), 2)).toBeCloseTo(Math.log(4), 9);
  });
});
