import type { Rows } from "../base/rows.ts";
import { constantOf } from "../graph/value.ts";
import { neg } from "../ops/arithmetic.ts";
import { cast } from "../ops/comparison.ts";
import { topK } from "../ops/indexing.ts";
import { concat } from "../ops/layout.ts";
import type { Compute } from "./compute.ts";
import { writeSquaredDistances } from "./distances.ts";
import { matrixOf } from "./matrix.ts";
import { constantMatrix, mapRows } from "./products.ts";

/** A known row and how far it lies. */
export interface Neighbour {
  readonly place: number;
  /** Euclid's; of rows of length one √(2 − 2·cos). */
  readonly distance: number;
}

/** The `count` known rows nearest to each row, nearest first, equal ones in their order; all of them where there are fewer. Exact. */
export async function nearestRows(
  known: Rows,
  rows: Rows,
  count: number,
  compute: Compute,
): Promise<readonly (readonly Neighbour[])[]> {
  const k = Math.min(count, known.count);
  const stored = constantMatrix(matrixOf(known));
  const found = await mapRows(
    rows,
    2 * k,
    (x) => {
      const [nearness, places] = topK.outputs(neg(writeSquaredDistances(x, stored)), constantOf("int64", [1], [k]));
      if (nearness === undefined || places === undefined) throw new Error("TopK has two outputs");
      return concat(neg(nearness), cast(places, "float64"), { axis: 1 });
    },
    compute,
  );
  return Array.from({ length: rows.count }, (_, i) => {
    const row = found.values.subarray(2 * k * i, 2 * k * (i + 1));
    return Array.from({ length: k }, (_, j) => ({ place: row[k + j], distance: Math.sqrt(row[j]) }));
  });
}
