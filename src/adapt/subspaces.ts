import type { Compute } from "../algebra/compute.ts";
import { type Matrix, meanRow } from "../algebra/matrix.ts";
import { crossProduct, withProduct } from "../algebra/products.ts";
import { topEigenvectors } from "../algebra/topEigenvectors.ts";
import type { Rows } from "../base/rows.ts";
import { checkDimensions, checkSpread } from "./domains.ts";

export interface Subspace {
  readonly mean: Float64Array;
  /** [width, dimensions], orthonormal columns, most variance first. */
  readonly basis: Matrix;
}

/** The principal directions of a domain. @throws `usage` for more than it has */
export async function principalSubspace(
  rows: Rows,
  dimensions: number,
  name: string,
  compute: Compute,
): Promise<Subspace> {
  const why = `the smaller of the features and the ${name} images less one`;
  checkDimensions(dimensions, Math.min(rows.width, rows.count - 1), why);
  const mean = meanRow(rows);
  const scatter = await crossProduct(rows, rows, compute, mean);
  checkSpread(scatter, mean, rows.count, `of the ${name} domain`);
  const { eigenvalues, eigenvectors } = await withProduct(scatter, compute, (apply) =>
    topEigenvectors({ size: rows.width, apply }, dimensions, compute),
  );
  const rank = eigenvalues.filter((value) => value > 1e-10 * (eigenvalues[0] ?? 0)).length;
  checkDimensions(dimensions, rank, `there are independent features with variance in the ${name} domain`);
  return { mean, basis: eigenvectors };
}
