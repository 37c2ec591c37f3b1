/** Ranks beyond this are taken for damage; NumPy and PyTorch end there, too. */
export const limitRank = 64;

/** How the elements of an array lie in memory. */
export interface Layout {
  readonly shape: readonly number[];
  /** Elements from one index to the next along each axis. */
  readonly strides: readonly number[];
  /** Elements before the first. */
  readonly offset: number;
}

/** The strides of a dense array in row-major order. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * Math.max(1, shape[axis + 1] ?? 1);
  return strides;
}

/** The strides of a dense array in column-major (Fortran) order. */
export function columnMajor(shape: readonly number[]): number[] {
  return rowMajor([...shape].reverse()).reverse();
}

/** Whether the elements lie in row-major order without gaps: axes of length 1 may have any stride. */
export function isDense({ shape, strides }: Layout): boolean {
  const dense = rowMajor(shape);
  return shape.includes(0) || shape.every((length, axis) => length === 1 || strides[axis] === dense[axis]);
}

/** One past the last element that the layout reaches. */
export function reach({ shape, strides, offset }: Layout): number {
  if (shape.includes(0)) return offset;
  return shape.reduce((end, length, axis) => end + (length - 1) * (strides[axis] ?? 0), offset) + 1;
}

/** Copies elements of `width` bytes into row-major order. */
export function makeDense(bytes: Uint8Array, width: number, { shape, strides, offset }: Layout): Uint8Array {
  const dense = new Uint8Array(shape.reduce((size, length) => size * length, width));
  let end = 0;
  const copy = (axis: number, from: number) => {
    if (axis === shape.length) {
      for (let i = 0; i < width; i++) dense[end++] = bytes[from * width + i] ?? 0;
      return;
    }
    const stride = strides[axis] ?? 0;
    for (let i = 0; i < (shape[axis] ?? 0); i++) copy(axis + 1, from + i * stride);
  };
  copy(0, offset);
  return dense;
}

/** The same numbers with the bytes of each in the other order. */
export function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  const swapped = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) swapped[i] = bytes[i - (i % width) + width - 1 - (i % width)] ?? 0;
  return swapped;
}
