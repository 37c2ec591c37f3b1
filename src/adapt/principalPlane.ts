import type { Compute } from "../algebra/compute.ts";
import { addScaled, type Matrix, matrix, meanRow, rowsAt, stacked } from "../algebra/matrix.ts";
import { crossProduct, times, withProduct } from "../algebra/products.ts";
import { topEigenvectors } from "../algebra/topEigenvectors.ts";
import type { Rows } from "../base/rows.ts";
import type { Domains } from "./domains.ts";

/** Rows of both domains where they differ most: [n, 2] along the two principal directions of all together; zeros where there is one direction alone. */
export async function principalPlane(
  { source, target }: Domains,
  compute: Compute,
): Promise<{ readonly source: Matrix; readonly target: Matrix }> {
  const all = stacked(source, target);
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
  return { source: part(plane, 0, source.count), target: part(plane, source.count, all.count) };
}

function part(rows: Matrix, start: number, end: number): Matrix {
  return matrix(end - start, rows.width, rows.values.slice(start * rows.width, end * rows.width));
}

/** Places of so many rows at most, evenly spaced. */
export function evenPlaces(count: number, most: number): readonly number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.floor((i * count) / most));
}

/** The rows at even places. */
export function evenRows(rows: Rows, most: number): Matrix {
  return rowsAt(rows, evenPlaces(rows.count, most));
}
