import { describe, expect, it } from "vitest";
import { RateCurve, sweepSchedule } from "./learningRateFinder.ts";

/** Feeds a loss as a function of log10(rate) until the curve has enough. */
function swept(loss: (exponent: number) => number) {
  const curve = new RateCurve();
  const schedule = sweepSchedule(1e-6, 10, 200, 1);
  for (let step = 0; step < 200; step++) {
    const rate = schedule(step, 200);
    if (curve.add(rate, loss(Math.log10(rate)))) break;
  }
  return curve;
}

describe("the learning rate finder", () => {
  it("goes from the first rate to the last in equal ratios, whatever the base rate", () => {
    const schedule = sweepSchedule(1e-5, 1e-1, 5, 0.5);
    const rates = [0, 1, 2, 3, 4].map((step) => 0.5 * schedule(step, 5));
    for (const [i, rate] of rates.entries()) expect(rate / 10 ** (i - 5)).toBeCloseTo(1, 10);
  });

  it("finds the steepest fall and stays a tenth below the lowest loss", () => {
    // Falls from 2 to 1 around 1e-3, explodes from 1e-1.
    const curve = swept((x) => 1 + 1 / (1 + Math.exp(6 * (x + 3))) + (x > -1 ? 20 * (x + 1) : 0));
    const advice = curve.advice();
    expect(advice?.steepest).toBeGreaterThan(5e-4);
    expect(advice?.steepest).toBeLessThan(5e-3);
    expect(advice?.suggested).toBeLessThanOrEqual((advice?.lowest ?? 0) / 10);
    // It did not go on to the end.
    expect(curve.points.at(-1)?.learningRate).toBeLessThan(5);
  });

  it("has no advice when the loss never falls", () => {
    expect(swept((x) => 1 + 10 ** x).advice()).toBeUndefined();
    expect(new RateCurve().advice()).toBeUndefined();
  });

  it("smooths: a single lucky step is no lowest loss", () => {
    const curve = new RateCurve();
    for (let step = 0; step < 40; step++) curve.add(10 ** (-4 + step / 20), step === 10 ? 0.1 : 1);
    expect(Math.min(...curve.points.map(({ loss }) => loss))).toBeGreaterThan(0.8);
  });
});
