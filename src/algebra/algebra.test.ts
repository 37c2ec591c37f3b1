import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { createEngine } from "../node/engine.ts";
import { cholesky, pivotedCholesky, solveLower, solveLowerTransposed } from "./cholesky.ts";
import { singularValues, symmetricEigen } from "./eigen.ts";
import { denseMetric, generalisedEigen, lowRankMetric } from "./generalisedEigen.ts";
import { identity, type Matrix, matrix, plusDiagonal, product, scaledColumns, sum, transposed } from "./matrix.ts";
import { crossProduct, rowProducts, times } from "./products.ts";
import { sinkhorn } from "./sinkhorn.ts";
import { topEigenvectors } from "./topEigenvectors.ts";

const compute = { engine: createEngine({ threads: 1 }) };

function noise(count: number, width: number, seed = 0): Matrix {
  const random = stream(seed, "matrix");
  return matrix(
    count,
    width,
    Float64Array.from({ length: count * width }, () => random.normal()),
  );
}

function furthest(a: Matrix, b: Matrix): number {
  return sum(a, b, -1).values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Q·diag(values)·Qᵀ with a random orthonormal Q. */
function withSpectrum(values: readonly number[], seed = 1): { readonly a: Matrix; readonly q: Matrix } {
  const q = singularValues(noise(values.length, values.length, seed)).left;
  return { a: product(scaledColumns(q, values), transposed(q)), q };
}

describe("matrices", () => {
  it("are multiplied by the engine in chunks as by hand, shifted or not", async () => {
    // 2.2 million numbers: more than one chunk of 2²¹.
    const a = noise(220_000, 10);
    const shift = Float64Array.from({ length: 10 }, (_, i) => i / 10);
    const shifted = matrix(
      a.count,
      a.width,
      a.values.map((value, i) => value - (i % 10) / 10),
    );
    const expected = product(transposed(shifted), shifted);
    expect(furthest(await crossProduct(a, a, compute, shift), expected)).toBeLessThan(1e-6);
    const b = noise(10, 3, 2);
    expect(furthest(await times(a, b, compute), product(a, b))).toBeLessThan(1e-12);
    expect(furthest(await rowProducts(a, transposed(b), compute), product(a, b))).toBeLessThan(1e-12);
  });

  it("stop when they are told to", async () => {
    const stopped = { ...compute, signal: AbortSignal.abort() };
    await expect(times(noise(2, 2), identity(2), stopped)).rejects.toMatchObject({ code: "interrupted" });
  });

  it("are factored and solved", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 1000 }), (size, seed) => {
        const root = noise(size, size, seed);
        const a = plusDiagonal(product(root, transposed(root)), 1);
        const lower = cholesky(a, "a");
        expect(furthest(product(lower, transposed(lower)), a)).toBeLessThan(1e-10);
        const b = noise(size, 2, seed + 1);
        const x = solveLowerTransposed(lower, solveLower(lower, b));
        expect(furthest(product(a, x), b)).toBeLessThan(1e-9);
      }),
    );
    expect(() => cholesky(matrix(1, 1), "the covariance")).toThrow("the covariance is not positive definite");
  });

  it("of low rank are factored by as many rows", () => {
    const root = noise(9, 3);
    const a = product(root, transposed(root));
    const { pivots, factor, lower } = pivotedCholesky(a, 1e-12);
    expect(pivots.length).toBe(3);
    expect(furthest(product(factor, transposed(factor)), a)).toBeLessThan(1e-12);
    expect(lower.values[1]).toBe(0);
    expect(pivotedCholesky(matrix(4, 4), 1e-12).pivots).toEqual([]);
  });

  it("are made of their eigenpairs, the largest first", () => {
    const { a } = withSpectrum([4, 9, 0.25, 1]);
    const { eigenvalues, eigenvectors } = symmetricEigen(a);
    expect(eigenvalues.map((value) => Math.round(value * 1e9) / 1e9)).toEqual(Float64Array.of(9, 4, 1, 0.25));
    const again = product(scaledColumns(eigenvectors, eigenvalues), transposed(eigenvectors));
    expect(furthest(again, a)).toBeLessThan(1e-12);
  });
});

describe("the largest eigenvectors", () => {
  const size = 240;

  it("are those of the spectrum a large matrix was made with, repeated values too", async () => {
    const values = Array.from({ length: size }, (_, i) => (i < 3 ? 10 : 5 / (i + 1)));
    const { a, q } = withSpectrum(values);
    const found = await topEigenvectors({ size, apply: (x) => product(a, x) }, 5);
    for (const [i, value] of found.eigenvalues.entries()) expect(value).toBeCloseTo(values[i] ?? Number.NaN, 8);
    // Of the repeated value the vectors are free, but not the space that they span.
    const first = (m: Matrix) => matrix(3, size, transposed(m).values.slice(0, 3 * size));
    const projector = (rows: Matrix) => product(transposed(rows), rows);
    expect(furthest(projector(first(found.eigenvectors)), projector(first(q)))).toBeLessThan(1e-6);
  });

  it("of a matrix of low rank are found too, and zeros beyond", async () => {
    const root = noise(size, 2);
    const { eigenvalues } = await topEigenvectors(
      { size, apply: (x) => product(root, product(transposed(root), x)) },
      4,
    );
    const known = singularValues(root).values;
    expect(eigenvalues[1]).toBeCloseTo((known[1] ?? 0) ** 2, 6);
    expect(Math.abs(eigenvalues[2] ?? 1)).toBeLessThan(1e-6);
  });

  it("solve the generalised problem, with VᵀaV = I", async () => {
    const root = noise(size, size, 3);
    const a = plusDiagonal(product(root, transposed(root)), 1);
    const { a: b } = withSpectrum(
      Array.from({ length: size }, (_, i) => 1 / (i + 1)),
      4,
    );
    const { eigenvalues, eigenvectors } = await generalisedEigen(b, denseMetric(a, "a"), 3, compute);
    const left = product(b, eigenvectors);
    const right = scaledColumns(product(a, eigenvectors), eigenvalues);
    expect(furthest(left, right)).toBeLessThan(1e-7);
    const metric = product(transposed(eigenvectors), product(a, eigenvectors));
    expect(furthest(metric, identity(3))).toBeLessThan(1e-9);
  });
});

describe("a metric", () => {
  it("of few rows whitens as the dense one does", () => {
    const rows = noise(3, 20);
    const a = plusDiagonal(product(transposed(rows), rows), 0.3);
    const x = noise(20, 20, 1);
    for (const metric of [lowRankMetric(rows, 0.3), denseMetric(a, "a")]) {
      expect(furthest(metric.whitenTransposed(product(a, metric.whiten(x))), x)).toBeLessThan(1e-12);
    }
    const nothing = lowRankMetric(matrix(1, 2), 4);
    expect(nothing.whiten(identity(2)).values).toEqual(Float64Array.of(0.5, 0, 0, 0.5));
  });
});

describe("Sinkhorn's plan", () => {
  it("has equal sums, and tends to the cheapest assignment", () => {
    const cost = matrix(2, 2, Float64Array.of(0, 1, 1, 0.5));
    const plan = sinkhorn(cost, 1e-3, {});
    expect(plan.values[0]).toBeCloseTo(0.5, 12);
    expect(plan.values[1]).toBeLessThan(1e-12);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.nat(99), (n, m, seed) => {
        const { values } = sinkhorn(matrix(n, m, noise(n, m, seed).values.map(Math.abs)), 0.5, {});
        for (let i = 0; i < n; i++) {
          expect(values.slice(i * m, (i + 1) * m).reduce((a, b) => a + b, 0)).toBeCloseTo(1 / n, 8);
        }
        for (let j = 0; j < m; j++) {
          expect(values.filter((_, at) => at % m === j).reduce((a, b) => a + b, 0)).toBeCloseTo(1 / m, 8);
        }
      }),
    );
  });
});
