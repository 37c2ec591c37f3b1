import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { minimise } from "./lbfgs.ts";

const options = { gradientTolerance: 1e-8, maxIterations: 500 };

describe("L-BFGS", () => {
  it("finds the bottom of Rosenbrock's valley", async () => {
    const found = await minimise(
      async ([x = 0, y = 0]) => ({
        value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
        gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
      }),
      Float64Array.of(-1.2, 1),
      options,
    );
    expect(found.converged).toBe(true);
    expect(found.point[0]).toBeCloseTo(1, 6);
    expect(found.point[1]).toBeCloseTo(1, 6);
    expect(found.iterations).toBeLessThan(60);
  });

  it("solves badly scaled quadratics", async () => {
    const entries = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(entries, async (exponents) => {
        // f(x) = Σ ½ cᵢ (xᵢ − i)², with cᵢ over six orders of magnitude.
        const curvatures = exponents.map((exponent) => 10 ** exponent);
        const found = await minimise(
          async (x) => ({
            value: curvatures.reduce((sum, c, i) => sum + (c * ((x[i] ?? 0) - i) ** 2) / 2, 0),
            gradient: Float64Array.from(curvatures, (c, i) => c * ((x[i] ?? 0) - i)),
          }),
          new Float64Array(curvatures.length),
          options,
        );
        expect(Math.max(...found.gradient.map(Math.abs))).toBeLessThan(1e-5);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("stays where it is when it begins at the minimum, and says when steps run out", async () => {
    const bowl = async (x: Float64Array) => ({ value: (x[0] ?? 0) ** 2, gradient: Float64Array.of(2 * (x[0] ?? 0)) });
    expect(await minimise(bowl, Float64Array.of(0), options)).toMatchObject({ iterations: 0, converged: true });
    const cut = await minimise(bowl, Float64Array.of(5), { ...options, maxIterations: 0 });
    expect(cut).toMatchObject({ iterations: 0, converged: false, value: 25 });
  });
});
