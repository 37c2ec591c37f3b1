import type { Compute } from "../algebra/compute.ts";
import { symmetricFunction } from "../algebra/eigen.ts";
import { type Matrix, matrix, meanRow, plusDiagonal, product, scaled } from "../algebra/matrix.ts";
import { crossProduct, times } from "../algebra/products.ts";
import type { Rows } from "../base/rows.ts";
import type { Adaptation } from "./domainMap.ts";
import { checkDomains, checkPositive, type Domains } from "./domains.ts";

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
export async function coral(
  domains: Domains,
  { regularisation = 1 }: CoralOptions,
  compute: Compute,
): Promise<Adaptation> {
  checkDomains(domains);
  checkPositive(regularisation, "the regularisation");
  const { source, target } = domains;
  const [from, to] = [meanRow(source), meanRow(target)];
  const regularised = async (rows: Rows, mean: Float64Array) =>
    plusDiagonal(await covariance(rows, mean, compute), regularisation);
  const whitening = symmetricFunction(await regularised(source, from), (variance) => 1 / Math.sqrt(variance));
  const colouring = symmetricFunction(await regularised(target, to), Math.sqrt);
  const weights = await times(whitening, colouring, compute);
  const moved = product(matrix(1, from.length, from), weights).values;
  const offset = to.map((value, j) => value - (moved[j] ?? 0));
  return { source: { kind: "affine", weights, offset }, target: { kind: "identity", width: target.width } };
}

/** Σ (x − mean)(x − mean)ᵀ / (n − 1). */
export async function covariance(rows: Rows, mean: Float64Array, compute: Compute): Promise<Matrix> {
  return scaled(await crossProduct(rows, rows, compute, mean), 1 / (rows.count - 1));
}
