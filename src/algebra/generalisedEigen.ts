import { cholesky, solveLower, solveLowerTransposed } from "./cholesky.ts";
import type { Eigen } from "./eigen.ts";
import { type Matrix, product } from "./matrix.ts";
import { topEigenvectors } from "./topEigenvectors.ts";

/**
 * The largest λ and their v of b·v = λ·a·v for symmetric b ⪰ 0 and a ≻ 0, with VᵀaV = I: by a = L·Lᵀ the symmetric problem of L⁻¹bL⁻ᵀ.
 *
 * @param what names `a` where it is not positive definite
 */
export function generalisedEigen(b: Matrix, a: Matrix, wanted: number, what: string, signal?: AbortSignal): Eigen {
  const lower = cholesky(a, what);
  const whitened = {
    size: a.count,
    apply: (x: Matrix) => solveLower(lower, product(b, solveLowerTransposed(lower, x))),
  };
  const { eigenvalues, eigenvectors } = topEigenvectors(whitened, wanted, signal);
  return { eigenvalues, eigenvectors: solveLowerTransposed(lower, eigenvectors) };
}
