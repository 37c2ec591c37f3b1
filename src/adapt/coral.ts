import type { Compute } from "../algebra/compute.ts";
import { symmetricEigen } from "../algebra/eigen.ts";
import {
  addScaled,
  firstColumns,
  type Matrix,
  matrix,
  matrixOf,
  meanRow,
  plusDiagonal,
  product,
  scaled,
  scaledColumns,
  transposed,
} from "../algebra/matrix.ts";
import { crossProduct, rowProducts, times } from "../algebra/products.ts";
import type { Rows } from "../base/rows.ts";
import type { Adaptation } from "./domainMap.ts";
import { checkDomains, checkMeasurable, checkPositive, type Domains, traceOf } from "./domains.ts";

/** A variance below this, in units of the largest, is rounding. */
const rounding = 1e-12;

export interface CoralOptions {
  /** λ that is added to the variances of both domains. Default 1, as in the paper, for standardised features. */
  readonly regularisation?: number;
}

/**
 * Correlation alignment (Sun, Feng & Saenko 2016, algorithm 1): source rows whitened by their covariance and coloured by the target's,
 * x·(C_S + λI)^−½·(C_T + λI)^½, and moved to the target's mean, which is zero in the paper. Target rows stay as they are.
 *
 * @throws `data` for empty, single or non-finite rows
 */
export async function coral(domains: Domains, options: CoralOptions, compute: Compute): Promise<Adaptation> {
  return correlationAlignment(await covarianceSpectra(domains, compute), options, compute);
}

/** What the covariances of both domains are made of: it costs the most, and serves every λ. */
export interface CovarianceSpectra {
  readonly source: Spectrum;
  readonly target: Spectrum;
}

interface Spectrum {
  readonly mean: Float64Array;
  /** Of the covariance. */
  readonly variances: Float64Array;
  /** [width, rank] */
  readonly directions: Matrix;
}

export async function covarianceSpectra(domains: Domains, compute: Compute): Promise<CovarianceSpectra> {
  checkDomains(domains);
  const source = await spectrumOf(domains.source, "of the source domain", compute);
  return { source, target: await spectrumOf(domains.target, "of the target domain", compute) };
}

/** CORAL from what `covarianceSpectra` found. */
export async function correlationAlignment(
  { source, target }: CovarianceSpectra,
  { regularisation = 1 }: CoralOptions,
  compute: Compute,
): Promise<Adaptation> {
  checkPositive(regularisation, "the regularisation");
  const whitening = await regularised(source, regularisation, (variance) => 1 / Math.sqrt(variance), compute);
  const colouring = await regularised(target, regularisation, Math.sqrt, compute);
  const weights = await times(whitening, colouring, compute);
  const moved = product(matrix(1, source.mean.length, source.mean), weights).values;
  const offset = target.mean.map((value, j) => value - (moved[j] ?? 0));
  return { source: { kind: "affine", weights, offset }, target: { kind: "identity", width: weights.width } };
}

/** Of fewer rows than features the products of rows have the same variances, in a smaller matrix. */
async function spectrumOf(rows: Rows, whose: string, compute: Compute): Promise<Spectrum> {
  const mean = meanRow(rows);
  if (rows.count >= rows.width) {
    const scatter = await covariance(rows, mean, compute);
    checkMeasurable(traceOf(scatter), whose);
    const { eigenvalues, eigenvectors } = symmetricEigen(scatter);
    return { mean, variances: eigenvalues, directions: eigenvectors };
  }
  const centred = shifted(rows, mean);
  const gram = scaled(await rowProducts(centred, centred, compute), 1 / (rows.count - 1));
  checkMeasurable(traceOf(gram), whose);
  const { eigenvalues, eigenvectors } = symmetricEigen(gram);
  const rank = eigenvalues.filter((value) => value > rounding * (eigenvalues[0] ?? 0)).length;
  const lengths = eigenvalues.slice(0, rank).map((value) => 1 / Math.sqrt(value * (rows.count - 1)));
  if (rank === 0) return { mean, variances: new Float64Array(0), directions: matrix(rows.width, 0) };
  const within = scaledColumns(firstColumns(eigenvectors, rank), lengths);
  return { mean, variances: eigenvalues.slice(0, rank), directions: await times(transposed(centred), within, compute) };
}

/** f(C + λI) = f(λ)·I + V·diag(f(variance + λ) − f(λ))·Vᵀ */
async function regularised(
  { variances, directions }: Spectrum,
  lambda: number,
  f: (variance: number) => number,
  compute: Compute,
): Promise<Matrix> {
  // Rows that are all alike have no direction.
  if (directions.width === 0) return plusDiagonal(matrix(directions.count, directions.count), f(lambda));
  const beyond = scaledColumns(
    directions,
    variances.map((variance) => f(Math.max(0, variance) + lambda) - f(lambda)),
  );
  return plusDiagonal(await rowProducts(beyond, directions, compute), f(lambda));
}

function shifted(rows: Rows, mean: Float64Array): Matrix {
  const centred = matrixOf(rows);
  for (let i = 0; i < rows.count; i++) {
    addScaled(centred.values.subarray(i * rows.width, (i + 1) * rows.width), -1, mean, 0);
  }
  return centred;
}

/** Σ (x − mean)(x − mean)ᵀ / (n − 1). */
export async function covariance(rows: Rows, mean: Float64Array, compute: Compute): Promise<Matrix> {
  return scaled(await crossProduct(rows, rows, compute, mean), 1 / (rows.count - 1));
}
