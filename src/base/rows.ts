/** Rows of numbers, one after another. */
export interface Rows {
  readonly values: ArrayLike<number>;
  readonly count: number;
  readonly width: number;
}
