import type { Rows } from "../base/rows.ts";

/** A dense matrix in double precision, row after row. */
export interface Matrix extends Rows {
  readonly values: Float64Array;
}

export function matrix(count: number, width: number, values: Float64Array = new Float64Array(count * width)): Matrix {
  return { values, count, width };
}

/** The rows in double precision: a copy, so that a change of one leaves the other alone. */
export function matrixOf({ values, count, width }: Rows): Matrix {
  return matrix(count, width, Float64Array.from(values));
}

export function identity(size: number): Matrix {
  const result = matrix(size, size);
  for (let i = 0; i < size; i++) result.values[i * size + i] = 1;
  return result;
}

export function transposed({ values, count, width }: Rows): Matrix {
  const result = matrix(width, count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < width; j++) result.values[j * count + i] = values[i * width + j];
  }
  return result;
}

/** a·b, for small matrices: large ones go through the engine (`products.ts`). */
export function product(a: Matrix, b: Matrix): Matrix {
  const result = matrix(a.count, b.width);
  const { values: left, width: depth } = a;
  const { values: right, width } = b;
  const into = result.values;
  // Four rows of b at once: each number of the result is loaded and stored a quarter as often.
  const whole = depth - (depth % 4);
  for (let i = 0; i < a.count; i++) {
    const [from, to] = [i * depth, i * width];
    for (let k = 0; k < whole; k += 4) {
      const at = from + k;
      const [a0, a1, a2, a3] = [left[at], left[at + 1], left[at + 2], left[at + 3]];
      const b0 = k * width;
      const [b1, b2, b3] = [b0 + width, b0 + 2 * width, b0 + 3 * width];
      for (let j = 0; j < width; j++) {
        into[to + j] += a0 * right[b0 + j] + a1 * right[b1 + j] + a2 * right[b2 + j] + a3 * right[b3 + j];
      }
    }
    for (let k = whole; k < depth; k++) {
      for (let j = 0; j < width; j++) into[to + j] += left[from + k] * right[k * width + j];
    }
  }
  return result;
}

/** a + factor·b. */
export function sum(a: Matrix, b: Matrix, factor = 1): Matrix {
  const values = a.values.slice();
  addScaled(values, factor, b.values, 0);
  return matrix(a.count, a.width, values);
}

export function scaled(a: Matrix, factor: number): Matrix {
  return matrix(
    a.count,
    a.width,
    a.values.map((value) => factor * value),
  );
}

/** a + value·I. */
export function plusDiagonal(a: Matrix, value: number): Matrix {
  const result = matrix(a.count, a.width, a.values.slice());
  for (let i = 0; i < a.count; i++) result.values[i * a.width + i] += value;
  return result;
}

/** Each column times a number of its own: a·diag(factors). */
export function scaledColumns(a: Matrix, factors: ArrayLike<number>): Matrix {
  return matrix(
    a.count,
    a.width,
    a.values.map((value, i) => value * factors[i % a.width]),
  );
}

/** The rows, one below the other. */
export function stacked(upper: Rows, lower: Rows): Matrix {
  const result = matrix(upper.count + lower.count, upper.width);
  result.values.set(upper.values);
  result.values.set(lower.values, upper.count * upper.width);
  return result;
}

/** Two matrices of as many rows side by side. */
export function sideBySide(left: Matrix, right: Matrix): Matrix {
  const width = left.width + right.width;
  const result = matrix(left.count, width);
  for (let i = 0; i < left.count; i++) {
    result.values.set(left.values.subarray(i * left.width, (i + 1) * left.width), i * width);
    result.values.set(right.values.subarray(i * right.width, (i + 1) * right.width), i * width + left.width);
  }
  return result;
}

/** The chosen rows, in the order of `places`. */
export function rowsAt({ values, width }: Rows, places: ArrayLike<number>): Matrix {
  const result = matrix(places.length, width);
  for (let i = 0; i < places.length; i++) {
    for (let j = 0; j < width; j++) result.values[i * width + j] = values[places[i] * width + j];
  }
  return result;
}

/** The first columns. */
export function firstColumns(a: Matrix, width: number): Matrix {
  const result = matrix(a.count, width);
  for (let i = 0; i < a.count; i++) {
    result.values.set(a.values.subarray(i * a.width, i * a.width + width), i * width);
  }
  return result;
}

/** Rows of length one; rows of zeros stay. */
export function unitRows(rows: Rows): Matrix {
  const result = matrixOf(rows);
  for (let i = 0; i < rows.count; i++) {
    const row = result.values.subarray(i * rows.width, (i + 1) * rows.width);
    const length = Math.sqrt(dot(row, row));
    if (length > 0) for (let j = 0; j < row.length; j++) row[j] /= length;
  }
  return result;
}

/** The mean row. */
export function meanRow({ values, count, width }: Rows): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < count; i++) addScaled(mean, 1 / count, values, i * width);
  return mean;
}

/** into += factor·from[offset …]. */
export function addScaled(into: Float64Array, factor: number, from: ArrayLike<number>, offset: number): void {
  if (factor === 0) return;
  for (let j = 0; j < into.length; j++) into[j] += factor * from[offset + j];
}

export function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** Σ a². */
export function squaredNorm(a: Float64Array): number {
  return dot(a, a);
}
