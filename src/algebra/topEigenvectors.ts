import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { throwIfStopped } from "./compute.ts";
import { type Eigen, symmetricEigen } from "./eigen.ts";
import { addScaled, dot, type Matrix, matrix, squaredNorm, transposed } from "./matrix.ts";

/** Below this size all eigenpairs are found at once. */
const wholeSize = 160;
/** Vectors more than wanted: the wanted ones converge with the gap to what lies beyond them. */
const spare = 8;
/** Blocks of a Krylov basis before it starts anew from the best so far. */
const blocks = 5;
const longestSearch = 300;
/** ‖Cv − λv‖, in units of the largest eigenvalue. */
const tolerance = 1e-8;

/** A symmetric matrix by what it does: C·x for x [size, any]. */
export interface SymmetricOperator {
  readonly size: number;
  apply(x: Matrix): Matrix | Promise<Matrix>;
}

export interface SearchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Eigenvectors of an operator much like this one, [size, any]: the search starts there. */
  readonly near?: Matrix | undefined;
}

/**
 * The largest eigenpairs of a positive semidefinite operator, by block Krylov spaces with Rayleigh and Ritz's projection, restarted
 * (Musco & Musco 2015, algorithm 2; Saad 2011, §6.12): a few hundred products instead of the cube of the size.
 */
export async function topEigenvectors(
  operator: SymmetricOperator,
  wanted: number,
  { signal, near }: SearchOptions = {},
): Promise<Eigen> {
  const { size } = operator;
  if (size <= Math.max(wholeSize, 3 * (wanted + spare))) return leading(symmetricEigen(await dense(operator)), wanted);
  let start = firstVectors(size, wanted + spare, near);
  for (let round = 0; round < longestSearch; round++) {
    throwIfStopped({ signal });
    const { basis, images } = await krylov(operator, start);
    const ritz = ritzPairs(basis, images, wanted + spare);
    if (ritz.residual(wanted) <= tolerance * Math.max(ritz.eigenvalues[0], Number.MIN_VALUE)) {
      const eigenvectors = columns(ritz.vectors.slice(0, wanted), size);
      return { eigenvalues: ritz.eigenvalues.slice(0, wanted), eigenvectors };
    }
    start = ritz.vectors;
  }
  throw new GraftError(
    "diverged",
    `the ${wanted} largest eigenvectors of a ${size} × ${size} matrix did not converge.`,
  );
}

/** The known ones, and random ones beside them. */
function firstVectors(size: number, count: number, near: Matrix | undefined): readonly Float64Array[] {
  const random = stream(0, "krylov");
  const known = near === undefined ? matrix(0, size) : transposed(near);
  return Array.from({ length: count }, (_, i) =>
    i < known.count
      ? known.values.slice(i * size, (i + 1) * size)
      : Float64Array.from({ length: size }, () => random.normal()),
  );
}

/** Orthonormal vectors that span x, Cx, C²x, …, and what C makes of them. */
async function krylov(operator: SymmetricOperator, start: readonly Float64Array[]) {
  const basis: Float64Array[] = [];
  const images: Float64Array[] = [];
  let next = start;
  for (let block = 0; block < blocks; block++) {
    const fresh = extendBasis(basis, next);
    if (fresh.length === 0) break;
    const image = transposed(await operator.apply(columns(fresh, operator.size)));
    next = fresh.map((_, i) => image.values.slice(i * operator.size, (i + 1) * operator.size));
    images.push(...next);
  }
  return { basis, images };
}

/** Adds what of each vector is orthogonal to the basis; twice, as once leaves rounding errors (Giraud et al. 2005). */
function extendBasis(basis: Float64Array[], vectors: readonly Float64Array[]): Float64Array[] {
  const fresh: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = vector.slice();
    const before = Math.sqrt(squaredNorm(rest));
    for (let pass = 0; pass < 2; pass++) for (const known of basis) addScaled(rest, -dot(rest, known), known, 0);
    const length = Math.sqrt(squaredNorm(rest));
    if (!(length > 1e-10 * before)) continue;
    const unit = rest.map((value) => value / length);
    basis.push(unit);
    fresh.push(unit);
  }
  return fresh;
}

function ritzPairs(basis: readonly Float64Array[], images: readonly Float64Array[], wanted: number) {
  const size = basis.length;
  const projected = matrix(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      projected.values[i * size + j] = dot(basis[i], images[j]);
      projected.values[j * size + i] = projected.values[i * size + j];
    }
  }
  const { eigenvalues, eigenvectors } = symmetricEigen(projected);
  const count = Math.min(wanted, size);
  const combine = (vectors: readonly Float64Array[], column: number) => {
    const result = new Float64Array(vectors[0].length);
    for (const [i, vector] of vectors.entries()) addScaled(result, eigenvectors.values[i * size + column], vector, 0);
    return result;
  };
  const vectors = Array.from({ length: count }, (_, i) => combine(basis, i));
  const residual = (first: number) => {
    let most = 0;
    for (let i = 0; i < Math.min(first, count); i++) {
      const rest = combine(images, i);
      addScaled(rest, -eigenvalues[i], vectors[i], 0);
      most = Math.max(most, Math.sqrt(squaredNorm(rest)));
    }
    return most;
  };
  return { eigenvalues, vectors, residual };
}

function columns(vectors: readonly Float64Array[], size: number): Matrix {
  const rows = matrix(vectors.length, size);
  for (const [i, vector] of vectors.entries()) rows.values.set(vector, i * size);
  return transposed(rows);
}

async function dense(operator: SymmetricOperator): Promise<Matrix> {
  const unit = matrix(operator.size, operator.size);
  for (let i = 0; i < operator.size; i++) unit.values[i * operator.size + i] = 1;
  return operator.apply(unit);
}

function leading({ eigenvalues, eigenvectors }: Eigen, wanted: number): Eigen {
  const rows = transposed(eigenvectors);
  const kept = matrix(wanted, rows.width, rows.values.slice(0, wanted * rows.width));
  return { eigenvalues: eigenvalues.slice(0, wanted), eigenvectors: transposed(kept) };
}
