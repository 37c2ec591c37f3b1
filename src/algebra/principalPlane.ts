import type { Rows } from "../base/rows.ts";
import type { Compute } from "./compute.ts";
import { addScaled, type Matrix, matrix, matrixOf, meanRow } from "./matrix.ts";
import { crossProduct, times, withProduct } from "./products.ts";
import { topEigenvectors } from "./topEigenvectors.ts";

/** Rows along the two principal directions of all together, about their mean: [n, 2]; zeros where there is one direction alone. */
export async function principalPlane(rows: Rows, compute: Compute): Promise<Matrix> {
  const all = matrixOf(rows);
  const mean = meanRow(all);
  for (let i = 0; i < all.count; i++) addScaled(all.values.subarray(i * all.width, (i + 1) * all.width), -1, mean, 0);
  const scatter = await crossProduct(all, all, compute);
  const wanted = Math.min(2, all.width);
  const { eigenvectors } = await withProduct(scatter, compute, (apply) =>
    topEigenvectors({ size: all.width, apply }, wanted, compute),
  );
  const seen = await times(all, eigenvectors, compute);
  const plane = matrix(all.count, 2);
  for (const [i, value] of seen.values.entries()) plane.values[2 * Math.floor(i / wanted) + (i % wanted)] = value;
  return plane;
}
