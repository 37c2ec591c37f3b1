import { cholesky, solveLower, solveLowerTransposed } from "./cholesky.ts";
import type { Compute } from "./compute.ts";
import { type Eigen, symmetricEigen } from "./eigen.ts";
import { type Matrix, product, scaledColumns, sum, transposed } from "./matrix.ts";
import { withProduct } from "./products.ts";
import { type SearchOptions, topEigenvectors } from "./topEigenvectors.ts";

/** A positive definite matrix a by some W with WᵀaW = I. */
export interface Metric {
  readonly size: number;
  /** W·x */
  whiten(x: Matrix): Matrix;
  /** Wᵀ·x */
  whitenTransposed(x: Matrix): Matrix;
}

/** Of any positive definite a = L·Lᵀ: W = L⁻ᵀ. `what` names it where it is not. */
export function denseMetric(a: Matrix, what: string): Metric {
  const lower = cholesky(a, what);
  return {
    size: a.count,
    whiten: (x) => solveLowerTransposed(lower, x),
    whitenTransposed: (x) => solveLower(lower, x),
  };
}

/** Of a = μI + rowsᵀ·rows with few rows: W = a^−½, which differs from the identity's along the rows only. */
export function lowRankMetric(rows: Matrix, mu: number): Metric {
  const { eigenvalues, eigenvectors } = symmetricEigen(product(rows, transposed(rows)));
  const floor = 1e-14 * (eigenvalues[0] ?? 0);
  // Orthonormal directions V = rowsᵀ·U·s^−½, and by how much W differs there from μ^−½.
  const along = scaledColumns(
    product(transposed(rows), eigenvectors),
    eigenvalues.map((s) => (s > floor ? 1 / Math.sqrt(s) : 0)),
  );
  const plain = 1 / Math.sqrt(mu);
  const correction = eigenvalues.map((s) => (s > floor ? 1 / Math.sqrt(mu + s) - plain : 0));
  const corrected = scaledColumns(along, correction);
  const turned = transposed(along);
  const whiten = (x: Matrix) => {
    const changed = product(corrected, product(turned, x));
    return sum(changed, x, plain);
  };
  return { size: rows.width, whiten, whitenTransposed: whiten };
}

/** The largest λ and their v of b·v = λ·a·v for symmetric b ⪰ 0, with VᵀaV = I: the symmetric problem of WᵀbW. */
export function generalisedEigen(
  b: Matrix,
  a: Metric,
  wanted: number,
  search: Compute & SearchOptions,
): Promise<Eigen> {
  return withProduct(b, search, async (timesB) => {
    const apply = async (x: Matrix) => a.whitenTransposed(await timesB(a.whiten(x)));
    const { eigenvalues, eigenvectors } = await topEigenvectors({ size: a.size, apply }, wanted, search);
    return { eigenvalues, eigenvectors: a.whiten(eigenvectors) };
  });
}
