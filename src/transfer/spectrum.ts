import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Rows } from "../base/rows.ts";

/** Smaller squared singular values, in units of the largest, are noise of the arithmetic. */
const relativeFloor = 1e-11;

/** F = U·S·Vᵀ without the parts where S is zero. */
export interface Spectrum {
  /** S², largest first. */
  readonly squares: readonly number[];
  /** Uᵀ·y of a column of `count` numbers, in the order of `squares`. */
  project(column: ArrayLike<number>): readonly number[];
}

/** The singular values of `rows`, by the eigenvalues of F·Fᵀ or FᵀF, whichever is smaller: time grows with the cube of that side. */
export function spectrumOf(rows: Rows): Spectrum {
  const { count, width } = rows;
  const isWide = count <= width;
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(products(rows, isWide), {
    assumeSymmetric: true,
  });
  const largest = Math.max(0, ...realEigenvalues);
  const kept = realEigenvalues
    .map((square, at) => ({ square, at }))
    .filter(({ square }) => square > relativeFloor * largest)
    .sort((a, b) => b.square - a.square);
  const onto = (column: ArrayLike<number>, at: number) => {
    let sum = 0;
    for (let i = 0; i < column.length; i++) sum += (column[i] ?? 0) * eigenvectorMatrix.get(i, at);
    return sum;
  };
  return {
    squares: kept.map(({ square }) => square),
    project(column) {
      if (isWide) return kept.map(({ at }) => onto(column, at));
      // U = F·V·S⁻¹
      const back = transposedTimes(rows, column);
      return kept.map(({ square, at }) => onto(back, at) / Math.sqrt(square));
    },
  };
}

/** The rows less their mean. */
export function centred({ values, count, width }: Rows): Rows {
  const moved = Float64Array.from({ length: count * width }, (_, i) => values[i] ?? 0);
  for (let j = 0; j < width; j++) {
    let sum = 0;
    for (let i = j; i < moved.length; i += width) sum += moved[i] ?? 0;
    for (let i = j; i < moved.length; i += width) moved[i] = (moved[i] ?? 0) - sum / count;
  }
  return { values: moved, count, width };
}

/** F·Fᵀ, or FᵀF. */
function products({ values, count, width }: Rows, ofRows: boolean): Matrix {
  const side = ofRows ? count : width;
  const [length, step, stride] = ofRows ? [width, 1, width] : [count, width, 1];
  const product = Matrix.zeros(side, side);
  // Contiguous copies: walking down a column of a large matrix costs several times as much.
  const lines = Array.from({ length: side }, (_, i) =>
    Float64Array.from({ length }, (_, n) => values[i * stride + n * step] ?? 0),
  );
  for (const [i, a] of lines.entries()) {
    for (const [j, b] of lines.slice(0, i + 1).entries()) {
      let sum = 0;
      for (let n = 0; n < length; n++) sum += (a[n] ?? 0) * (b[n] ?? 0);
      product.set(i, j, sum);
      product.set(j, i, sum);
    }
  }
  return product;
}

function transposedTimes({ values, width }: Rows, column: ArrayLike<number>): Float64Array {
  const result = new Float64Array(width);
  for (let i = 0; i < column.length; i++) {
    const factor = column[i] ?? 0;
    if (factor === 0) continue;
    for (let j = 0; j < width; j++) result[j] = (result[j] ?? 0) + factor * (values[i * width + j] ?? 0);
  }
  return result;
}
