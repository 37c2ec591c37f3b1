/** How long repeated work took. */
export interface Latency {
  readonly count: number;
  /** Half of the runs took no longer, */
  readonly p50Ms: number;
  /** and 99 of a hundred; the longest where there are fewer than a hundred. */
  readonly p99Ms: number;
}

/** Percentiles by the nearest rank: durations that were measured, with nothing between them made up. NaN of none. */
export function latencyOf(durationsMs: readonly number[]): Latency {
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}
