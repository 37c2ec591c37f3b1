/** What repetitions of one measurement came to. */
export interface Spread {
  readonly mean: number;
  /** The sample's standard deviation, n − 1 below; nothing of a single one. */
  readonly deviation: number | undefined;
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length < 2 ? undefined : Math.sqrt(squares / (values.length - 1)) };
}
