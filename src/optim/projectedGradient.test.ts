import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { finish } from "../base/steps.ts";
import { projectOntoBoundedSum } from "./boundedSum.ts";
import { minimiseProjected } from "./projectedGradient.ts";

const entry = fc.double({ min: -10, max: 10, noNaN: true });
const points = fc.array(entry, { minLength: 1, maxLength: 30 }).map((values) => Float64Array.from(values));
const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
const dot = (a: Float64Array, b: Float64Array) => a.reduce((all, one, i) => all + one * (b[i] ?? 0), 0);
const minus = (a: Float64Array, b: Float64Array) => a.map((one, i) => one - (b[i] ?? 0));

describe("the projection onto numbers with a bounded sum", () => {
  it("is the nearest point: no point of the set lies beyond it", () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        points,
        points,
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        shares,
        shares,
        (point, other, upper, a, b) => {
          const whole = point.length * upper;
          const set = { upper, least: Math.min(a, b) * whole, most: Math.max(a, b) * whole };
          const nearest = projectOntoBoundedSum(point, set);
          const slack = 1e-9 * (1 + whole);
          expect(Math.min(...nearest)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...nearest)).toBeLessThanOrEqual(upper);
          expect(sum(nearest)).toBeGreaterThanOrEqual(set.least - slack);
          expect(sum(nearest)).toBeLessThanOrEqual(set.most + slack);
          // ⟨point − P, z − P⟩ ≤ 0 for every z of the set.
          const inside = projectOntoBoundedSum(
            Float64Array.from(point, (_, i) => other[i % other.length] ?? 0),
            set,
          );
          expect(dot(minus(point, nearest), minus(inside, nearest))).toBeLessThanOrEqual(20 * slack * point.length);
        },
      ),
    );
  });

  it("reaches the simplex exactly, and leaves what is in the set", () => {
    const simplex = { upper: 1, least: 1, most: 1 };
    expect([...projectOntoBoundedSum(Float64Array.of(2, 0, 0), simplex)]).toEqual([1, 0, 0]);
    const middle = projectOntoBoundedSum(Float64Array.of(5, 5, 5, 5), simplex);
    for (const share of middle) expect(share).toBeCloseTo(0.25, 12);
    expect([...projectOntoBoundedSum(Float64Array.of(0.5, 0.2), { upper: 1, least: 0, most: 1 })]).toEqual([0.5, 0.2]);
  });
});

describe("the spectral projected gradient", () => {
  it("meets the conditions of a bounded quadratic programme that is known", () => {
    // ½x² − c·x within 0 … 1 has its minimum at c, clipped.
    const wanted = Float64Array.of(-1, 0.3, 0.9, 4);
    const scales = Float64Array.of(1, 100, 0.1, 1);
    const found = finish(
      minimiseProjected(
        (x) => ({
          value: x.reduce((all, one, i) => all + ((scales[i] ?? 0) * (one - (wanted[i] ?? 0)) ** 2) / 2, 0),
          gradient: x.map((one, i) => (scales[i] ?? 0) * (one - (wanted[i] ?? 0))),
        }),
        (x) => x.map((one) => Math.min(1, Math.max(0, one))),
        new Float64Array(4).fill(0.5),
        { tolerance: 1e-10, maxIterations: 500 },
      ),
    );
    expect(found.distance).toBeLessThanOrEqual(1e-10);
    for (const [i, value] of [0, 0.3, 0.9, 1].entries()) expect(found.point[i]).toBeCloseTo(value, 8);
  });

  it("returns the best point it met, and how far that is, when iterations run out", () => {
    const scales = Float64Array.of(1, 37, 1000);
    const work = minimiseProjected(
      (x) => ({
        value: x.reduce((all, one, i) => all + ((scales[i] ?? 0) * one ** 2) / 2, 0),
        gradient: x.map((one, i) => (scales[i] ?? 0) * one),
      }),
      (x) => x,
      Float64Array.of(1, 1, 1),
      { tolerance: 1e-12, maxIterations: 3 },
    );
    const { iterations, distance, value } = finish(work);
    expect(iterations).toBe(3);
    expect(distance).toBeGreaterThan(0);
    expect(value).toBeLessThan(1038 / 2);
  });
});
