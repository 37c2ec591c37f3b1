import { describe, expect, it } from "vitest";
import reference from "../../test/reference/scaling.json" with { type: "json" };
import { stream } from "../base/random.ts";
import { measure } from "../metrics/metric.ts";
import { reliability } from "../metrics/reliability.ts";
import { fitTemperature, fitVectorScaling, type LogitBatch, scaledProbabilities } from "./logitScaling.ts";

// SciPy ends at a gradient of 1e-9 by finite differences or a step of 1e-8 of the bracket, hence about 1e-6 of the solution.
const digits = 5;

describe.each(reference.cases)("SciPy's solution: $name", (stored) => {
  const batch: LogitBatch = {
    classes: stored.classes,
    logits: Float32Array.from(stored.logits),
    labels: Int32Array.from(stored.labels),
    ...(stored.weights === undefined ? {} : { weights: Float32Array.from(stored.weights) }),
  };

  it("of temperature scaling", async () => {
    const { factors, shifts } = await fitTemperature(batch);
    for (const factor of factors) expect(1 / factor).toBeCloseTo(stored.temperature, digits);
    expect([...shifts]).toEqual(new Array(stored.classes).fill(0));
  });

  it("of vector scaling", async () => {
    const { factors, shifts } = await fitVectorScaling(batch);
    for (const [c, factor] of factors.entries()) expect(factor).toBeCloseTo(stored.factors[c] ?? Number.NaN, digits);
    for (const [c, shift] of shifts.entries()) expect(shift).toBeCloseTo(stored.shifts[c] ?? Number.NaN, digits);
  });
});

/** Logits whose truth is drawn from their softmax, then sharpened: what over-fitting does. */
function sharpened(count: number, classes: number, sharpness: number, seed: number): LogitBatch {
  const logits = new Float32Array(count * classes);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const random = stream(seed, "sharpened", 0, i);
    const row = Float32Array.from({ length: classes }, () => 2 * random.normal());
    const plain = { factors: new Float64Array(classes).fill(1), shifts: new Float64Array(classes) };
    let left = random.uniform();
    const drawn = scaledProbabilities(row, plain).findIndex((p) => {
      left -= p;
      return left < 0;
    });
    labels[i] = drawn < 0 ? classes - 1 : drawn;
    logits.set(
      row.map((z) => sharpness * z),
      i * classes,
    );
  }
  return { classes, logits, labels };
}

describe("temperature scaling", () => {
  it("finds how much logits were sharpened, and calibrates images that it has not seen", async () => {
    const scaling = await fitTemperature(sharpened(2000, 5, 3, 1));
    // The standard error of ln T, 1 / √(n · variance of the logit's error), is some 0.03 here; three of them.
    expect(Math.abs(Math.log(1 / (scaling.factors[0] ?? 0) / 3))).toBeLessThan(0.1);
    const fresh = sharpened(2000, 5, 3, 2);
    const errorWith = (factors: Float64Array) => {
      const probabilities = scaledProbabilities(fresh.logits, { factors, shifts: scaling.shifts });
      return measure(reliability(), [{ ...fresh, probabilities }]).expectedError;
    };
    const before = errorWith(new Float64Array(5).fill(1));
    expect(before).toBeGreaterThan(0.1);
    expect(errorWith(scaling.factors)).toBeLessThan(before / 3);
  });

  it("stops when asked to", async () => {
    const interrupted = expect.objectContaining({ code: "interrupted" });
    await expect(fitTemperature(sharpened(10, 3, 1, 0), AbortSignal.abort())).rejects.toEqual(interrupted);
  });

  it("refuses nothing, and logits that are no numbers", async () => {
    const empty = { classes: 2, logits: new Float32Array(), labels: new Int32Array() };
    await expect(fitTemperature(empty)).rejects.toEqual(expect.objectContaining({ code: "shape" }));
    const broken = { classes: 2, logits: Float32Array.of(1, Number.NaN), labels: Int32Array.of(0) };
    await expect(fitVectorScaling(broken)).rejects.toEqual(expect.objectContaining({ code: "diverged" }));
  });
});
