import type { Rows } from "../base/rows.ts";
import type { Compute } from "./compute.ts";
import type { Matrix } from "./matrix.ts";
import { principalPlane } from "./principalPlane.ts";
import { umapPlane } from "./umapPlane.ts";

/** How rows of many numbers become points of a plane. */
export const planeMethods = ["pca", "umap"] as const;
export type PlaneMethod = (typeof planeMethods)[number];

/** Rows as points of a plane, [n, 2]. `seed` is for `umap`, whose time grows with the rows: see `evenPlaces`. */
export function embedInPlane(rows: Rows, method: PlaneMethod, seed: number, compute: Compute): Promise<Matrix> {
  switch (method) {
    case "pca":
      return principalPlane(rows, compute);
    case "umap":
      return umapPlane(rows, seed, compute);
  }
}

/** Places of so many rows at most, evenly spaced. */
export function evenPlaces(count: number, most: number): readonly number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.floor((i * count) / most));
}
