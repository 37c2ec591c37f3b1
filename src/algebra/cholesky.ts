import { GraftError } from "../base/errors.ts";
import { firstColumns, type Matrix, matrix, rowsAt } from "./matrix.ts";

/** L of a = L·Lᵀ, lower triangular. Throws `data` where `a` is not positive definite; `what` names it. */
export function cholesky(a: Matrix, what: string): Matrix {
  const size = a.count;
  const lower = matrix(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a.values[i * size + j] - rowDot(lower.values, i * size, j * size, j);
      if (j < i) {
        lower.values[i * size + j] = rest / lower.values[j * size + j];
        continue;
      }
      if (!(rest > 0)) {
        throw new GraftError("data", `${what} is not positive definite; a larger regularisation makes it so.`);
      }
      lower.values[i * size + i] = Math.sqrt(rest);
    }
  }
  return lower;
}

/** L⁻¹·b. */
export function solveLower({ values, count }: Matrix, b: Matrix): Matrix {
  const x = b.values.slice();
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < i; k++) subtractRow(x, b.width, i, k, values[i * count + k]);
    divideRow(x, b.width, i, values[i * count + i]);
  }
  return matrix(count, b.width, x);
}

/** L⁻ᵀ·b. */
export function solveLowerTransposed({ values, count }: Matrix, b: Matrix): Matrix {
  const x = b.values.slice();
  for (let i = count - 1; i >= 0; i--) {
    divideRow(x, b.width, i, values[i * count + i]);
    // Along row i of L, which is contiguous, instead of down column i.
    for (let k = 0; k < i; k++) subtractRow(x, b.width, k, i, values[i * count + k]);
  }
  return matrix(count, b.width, x);
}

export interface PivotedCholesky {
  /** Rows that span all others, best first. */
  readonly pivots: readonly number[];
  /** F [size, rank] of a = F·Fᵀ. */
  readonly factor: Matrix;
  /** The pivots' rows of F, lower triangular: a[pivots, pivots] = L·Lᵀ. */
  readonly lower: Matrix;
}

/**
 * The rows of a positive semidefinite matrix that are not combinations of others, greedily, and their factor (Higham 2002, §10.3;
 * Fine & Scheinberg 2001).
 *
 * @param tolerance what is left of a diagonal entry, in units of the largest, below which a row is a combination
 */
export function pivotedCholesky(a: Matrix, tolerance: number): PivotedCholesky {
  const size = a.count;
  const left = Float64Array.from({ length: size }, (_, i) => a.values[i * size + i]);
  const floor = tolerance * left.reduce((most, one) => Math.max(most, one), 0);
  const factor = new Float64Array(size * size);
  const pivots: number[] = [];
  while (pivots.length < size) {
    const pivot = left.reduce((best, one, i) => (one > left[best] ? i : best), 0);
    if (!(left[pivot] > floor)) break;
    const step = pivots.length;
    const root = Math.sqrt(left[pivot]);
    pivots.push(pivot);
    for (let i = 0; i < size; i++) {
      if (left[i] === Number.NEGATIVE_INFINITY) continue; // a pivot: its row is complete
      const rest = a.values[i * size + pivot] - rowDot(factor, i * size, pivot * size, step);
      factor[i * size + step] = rest / root;
      left[i] -= factor[i * size + step] ** 2;
    }
    left[pivot] = Number.NEGATIVE_INFINITY;
  }
  const wide = matrix(size, size, factor);
  return {
    pivots,
    factor: firstColumns(wide, pivots.length),
    lower: firstColumns(rowsAt(wide, pivots), pivots.length),
  };
}

function rowDot(values: Float64Array, first: number, second: number, length: number): number {
  let total = 0;
  for (let k = 0; k < length; k++) total += values[first + k] * values[second + k];
  return total;
}

function subtractRow(x: Float64Array, width: number, row: number, other: number, factor: number): void {
  if (factor === 0) return;
  for (let j = 0, to = row * width, from = other * width; j < width; j++) x[to++] -= factor * x[from++];
}

function divideRow(x: Float64Array, width: number, row: number, divisor: number): void {
  for (let j = row * width; j < (row + 1) * width; j++) x[j] /= divisor;
}
