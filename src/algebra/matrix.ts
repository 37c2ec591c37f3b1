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
  for (let i = 0; i + 1 < a.count; i += 2) addProducts(a, i, i + 1, b, result.values);
  if (a.count % 2 === 1) addProducts(a, a.count - 1, a.count - 1, b, result.values);
  return result;
}

/** Rows `i` and `i2` of a·b, by four rows of b at once: each number is loaded and stored an eighth as often. The same row twice is one. */
function addProducts(a: Matrix, i: number, i2: number, b: Matrix, into: Float64Array): void {
  const { values: left, width: depth } = a;
  const { values: right, width } = b;
  const [from, from2, to, to2] = [i * depth, i2 * depth, i * width, i2 * width];
  const whole = depth - (depth % 4);
  for (let k = 0; k < whole; k += 4) {
    const [at, at2] = [from + k, from2 + k];
    const [a0, a1, a2, a3] = [left[at], left[at + 1], left[at + 2], left[at + 3]];
    const [c0, c1, c2, c3] = [left[at2], left[at2 + 1], left[at2 + 2], left[at2 + 3]];
    const b0 = k * width;
    const [b1, b2, b3] = [b0 + width, b0 + 2 * width, b0 + 3 * width];
    for (let j = 0; j < width; j++) {
      const r0 = right[b0 + j];
      const r1 = right[b1 + j];
      const r2 = right[b2 + j];
      const r3 = right[b3 + j];
      const sum = into[to + j];
      const sum2 = into[to2 + j];
      into[to + j] = sum + (a0 * r0 + a1 * r1 + a2 * r2 + a3 * r3);
      into[to2 + j] = sum2 + (c0 * r0 + c1 * r1 + c2 * r2 + c3 * r3);
    }
  }
  for (let k = whole; k < depth; k++) {
    const [a0, c0] = [left[from + k], left[from2 + k]];
    for (let j = 0; j < width; j++) {
      const sum = into[to + j];
      const sum2 = into[to2 + j];
      const factor = right[k * width + j];
      into[to + j] = sum + a0 * factor;
      into[to2 + j] = sum2 + c0 * factor;
    }
  }
}

/** a·bᵀ: each row of a times each of b. */
export function rowDots(a: Matrix, b: Matrix): Matrix {
  const result = matrix(a.count, b.count);
  const [last, lastOther] = [a.count - 1, b.count - 1];
  // Eight sums at once: a single one waits for itself. Beyond the end the last rows stand in, and are found again.
  for (let i = 0; i < a.count; i += 2) {
    const pair = [i, Math.min(i + 1, last)] as const;
    for (let j = 0; j < b.count; j += 4) {
      const others = [j, Math.min(j + 1, lastOther), Math.min(j + 2, lastOther), Math.min(j + 3, lastOther)] as const;
      eightDots(a, pair, b, others, result.values);
    }
  }
  return result;
}

function eightDots(
  { values: left, width }: Matrix,
  [i, i2]: readonly [number, number],
  { values: right, count }: Matrix,
  [j, j2, j3, j4]: readonly [number, number, number, number],
  into: Float64Array,
): void {
  const [a0, a1] = [i * width, i2 * width];
  const [b0, b1, b2, b3] = [j * width, j2 * width, j3 * width, j4 * width];
  let [s0, s1, s2, s3, t0, t1, t2, t3] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < width; k++) {
    const x = left[a0 + k];
    const y = left[a1 + k];
    const p = right[b0 + k];
    const q = right[b1 + k];
    const r = right[b2 + k];
    const s = right[b3 + k];
    s0 += x * p;
    s1 += x * q;
    s2 += x * r;
    s3 += x * s;
    t0 += y * p;
    t1 += y * q;
    t2 += y * r;
    t3 += y * s;
  }
  const [to, to2] = [i * count, i2 * count];
  into[to + j] = s0;
  into[to + j2] = s1;
  into[to + j3] = s2;
  into[to + j4] = s3;
  into[to2 + j] = t0;
  into[to2 + j2] = t1;
  into[to2 + j3] = t2;
  into[to2 + j4] = t3;
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
