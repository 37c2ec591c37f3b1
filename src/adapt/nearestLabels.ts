import type { Compute } from "../algebra/compute.ts";
import { writeSquaredDistances } from "../algebra/distances.ts";
import { matrixOf } from "../algebra/matrix.ts";
import { constantMatrix, mapRows } from "../algebra/products.ts";
import type { Rows } from "../base/rows.ts";
import { argMin, cast } from "../ops/comparison.ts";

/** The label of each row's nearest known row, by Euclid's distance; of equal ones the first. Of rows of length one that is the nearest by angle. */
export async function nearestLabels(
  known: Rows,
  labels: ArrayLike<number>,
  rows: Rows,
  compute: Compute,
): Promise<Int32Array> {
  const stored = constantMatrix(matrixOf(known));
  const nearest = await mapRows(
    rows,
    1,
    (x) => cast(argMin(writeSquaredDistances(x, stored), { axis: 1, keepdims: 1 }), "float64"),
    compute,
  );
  return Int32Array.from(nearest.values, (at) => labels[at] ?? 0);
}
