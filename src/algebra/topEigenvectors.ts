import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { throwIfStopped } from "./compute.ts";
import { type Eigen, symmetricEigen } from "./eigen.ts";
import {
  addScaled,
  dot,
  firstColumns,
  type Matrix,
  matrix,
  product,
  rowDots,
  squaredNorm,
  stacked,
  sum,
  transposed,
} from "./matrix.ts";

/** Below this size all eigenpairs are found at once. */
const wholeSize = 160;
/** Vectors more than wanted: the wanted ones converge with the gap to what lies beyond them. */
const spare = 8;
/** Blocks of a Krylov basis before it starts anew from the best so far. */
const blocks = 5;
const longestSearch = 300;
const usualTolerance = 1e-8;

/** A symmetric matrix by what it does: C·x for x [size, any]. */
export interface SymmetricOperator {
  readonly size: number;
  apply(x: Matrix): Matrix | Promise<Matrix>;
}

export interface SearchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Eigenvectors of an operator much like this one, [size, any]: the search starts there. */
  readonly near?: Matrix | undefined;
  /** The largest ‖Cv − λv‖, in units of the largest eigenvalue. Default 1e-8. */
  readonly tolerance?: number | undefined;
}

/**
 * The largest eigenpairs of a positive semidefinite operator, by block Krylov spaces with Rayleigh and Ritz's projection, restarted
 * (Musco & Musco 2015, algorithm 2; Saad 2011, §6.12): a few hundred products instead of the cube of the size.
 */
export async function topEigenvectors(
  operator: SymmetricOperator,
  wanted: number,
  { signal, near, tolerance = usualTolerance }: SearchOptions = {},
): Promise<Eigen> {
  const { size } = operator;
  if (size <= Math.max(wholeSize, 3 * (wanted + spare))) return leading(symmetricEigen(await dense(operator)), wanted);
  let start = firstVectors(size, wanted + spare, near);
  for (let round = 0; round < longestSearch; round++) {
    throwIfStopped({ signal });
    const ritz = ritzPairs(await krylov(operator, start), wanted + spare);
    if (ritz.residual(wanted) <= tolerance * Math.max(ritz.eigenvalues[0], Number.MIN_VALUE)) {
      const eigenvectors = transposed(firstRows(ritz.vectors, wanted));
      return { eigenvalues: ritz.eigenvalues.slice(0, wanted), eigenvectors };
    }
    start = ritz.vectors;
  }
  throw new GraftError(
    "diverged",
    `the ${wanted} largest eigenvectors of a ${size} × ${size} matrix did not converge.`,
  );
}

/** The known ones, and random ones beside them; one a row. */
function firstVectors(size: number, count: number, near: Matrix | undefined): Matrix {
  const random = stream(0, "krylov");
  const known = near === undefined ? matrix(0, size) : firstRows(transposed(near), count);
  const others = Float64Array.from({ length: (count - known.count) * size }, () => random.normal());
  return stacked(known, matrix(count - known.count, size, others));
}

/** Orthonormal vectors that span x, Cx, C²x, …, one a row, and what C makes of them. */
async function krylov(operator: SymmetricOperator, start: Matrix) {
  let basis = matrix(0, operator.size);
  let images = basis;
  let next = start;
  for (let block = 0; block < blocks; block++) {
    const fresh = beyondBasis(next, basis);
    if (fresh.count === 0) break;
    next = transposed(await operator.apply(transposed(fresh)));
    [basis, images] = [stacked(basis, fresh), stacked(images, next)];
  }
  return { basis, images };
}

/** Orthonormal rows that span what of these rows the basis does not; twice, as once leaves rounding errors (Giraud et al. 2005). */
function beyondBasis(rows: Matrix, basis: Matrix): Matrix {
  const beyond = (x: Matrix) => orthonormalRows(sum(x, product(rowDots(x, basis), basis), -1), x);
  return beyond(beyond(rows));
}

/** Gram and Schmidt's; a row goes that is no more than rounding beside the one it came `from`. */
function orthonormalRows(rows: Matrix, from: Matrix): Matrix {
  const kept: Float64Array[] = [];
  for (let i = 0; i < rows.count; i++) {
    const rest = rowOf(rows, i);
    for (const known of kept) addScaled(rest, -dot(rest, known), known, 0);
    const length = Math.sqrt(squaredNorm(rest));
    if (!(length > 1e-10 * Math.sqrt(squaredNorm(rowOf(from, i))))) continue;
    kept.push(rest.map((value) => value / length));
  }
  const result = matrix(kept.length, rows.width);
  for (const [i, row] of kept.entries()) result.values.set(row, i * rows.width);
  return result;
}

function ritzPairs({ basis, images }: { readonly basis: Matrix; readonly images: Matrix }, wanted: number) {
  const { eigenvalues, eigenvectors } = symmetricEigen(rowDots(basis, images));
  const mixed = transposed(firstColumns(eigenvectors, Math.min(wanted, basis.count)));
  const vectors = product(mixed, basis);
  const residual = (first: number) => {
    const mapped = product(firstRows(mixed, first), images);
    const lengths = Array.from({ length: mapped.count }, (_, i) => {
      const rest = rowOf(mapped, i);
      addScaled(rest, -eigenvalues[i], vectors.values, i * vectors.width);
      return Math.sqrt(squaredNorm(rest));
    });
    return Math.max(...lengths);
  };
  return { eigenvalues, vectors, residual };
}

function rowOf({ values, width }: Matrix, i: number): Float64Array {
  return values.slice(i * width, (i + 1) * width);
}

function firstRows({ values, count, width }: Matrix, wanted: number): Matrix {
  const kept = Math.min(wanted, count);
  return matrix(kept, width, values.slice(0, kept * width));
}

async function dense(operator: SymmetricOperator): Promise<Matrix> {
  const unit = matrix(operator.size, operator.size);
  for (let i = 0; i < operator.size; i++) unit.values[i * operator.size + i] = 1;
  return operator.apply(unit);
}

function leading({ eigenvalues, eigenvectors }: Eigen, wanted: number): Eigen {
  return { eigenvalues: eigenvalues.slice(0, wanted), eigenvectors: firstColumns(eigenvectors, wanted) };
}
