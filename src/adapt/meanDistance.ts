import { addScaled, type Matrix, matrix, meanRow } from "../algebra/matrix.ts";
import type { Rows } from "../base/rows.ts";
import type { Penalty } from "./components.ts";

/** The difference of two means, of so many rows each, and its weight w in Σ w·δδᵀ. */
export interface Difference {
  readonly delta: Float64Array;
  readonly weight: number;
  readonly sourceCount: number;
  readonly targetCount: number;
}

export function differenceOf(source: Rows, target: Rows, weight: number): Difference {
  const other = meanRow(target);
  const delta = meanRow(source).map((value, j) => value - (other[j] ?? 0));
  return { delta, weight, sourceCount: source.count, targetCount: target.count };
}

/**
 * √w·δ, one a row, of differences of which the first is that of all rows: their rowsᵀ·rows is ΦᵀMΦ = Σ w·δδᵀ, over ‖M‖ where the penalty wants it
 * scaled.
 */
export function differenceRows(differences: readonly Difference[], penalty: Penalty): Matrix {
  const norm = penalty === "projection" ? frobeniusNorm(differences) : 1;
  const width = differences[0]?.delta.length ?? 0;
  const rows = matrix(differences.length, width);
  for (const [i, { delta, weight }] of differences.entries()) {
    addScaled(rows.values.subarray(i * width, (i + 1) * width), Math.sqrt(weight / norm), delta, 0);
  }
  return rows;
}

/** ‖Σ w·eeᵀ‖ from eₐ·e_b: 1/n₁ + 1/n₂ of the larger for a class within the whole, nothing between two classes. */
function frobeniusNorm(differences: readonly Difference[]): number {
  let square = 0;
  for (const [i, a] of differences.entries()) {
    for (const [j, b] of differences.entries()) {
      if (i !== j && i > 0 && j > 0) continue;
      const product = 1 / Math.max(a.sourceCount, b.sourceCount) + 1 / Math.max(a.targetCount, b.targetCount);
      square += a.weight * b.weight * product ** 2;
    }
  }
  return Math.sqrt(square);
}
