import { stream } from "../base/random.ts";
import type { Interval } from "./wilson.ts";

export interface BootstrapOptions {
  readonly seed?: number;
  readonly resamples?: number;
  readonly level?: number;
}

/** A figure of a sample: `counts[i]` says how often sample i was drawn. Nothing where a draw does not define it. */
export type Statistic = (counts: Float32Array) => readonly (number | undefined)[];

/**
 * Percentile intervals of some figures of `samples` samples (Efron & Tibshirani 1993, chapter 13): samples are drawn again with replacement, and
 * the middle `level` of what each figure becomes is its interval. Draws that do not define a figure are left out of its interval, and where
 * fewer than half do, it has none. The same seed gives the same intervals. Comparing two models means giving the difference of their figures
 * on the same draw, which pairs them.
 */
export function bootstrap(
  samples: number,
  statistic: Statistic,
  { seed = 0, resamples = 1000, level = 0.95 }: BootstrapOptions = {},
): readonly (Interval | undefined)[] {
  const seen: number[][] = [];
  for (let resample = 0; resample < resamples; resample++) {
    statistic(drawn(samples, seed, resample)).forEach((value, figure) => {
      seen[figure] ??= [];
      if (value !== undefined) seen[figure].push(value);
    });
  }
  return seen.map((values) => {
    if (2 * values.length < resamples) return undefined;
    const sorted = Float64Array.from(values).sort();
    return { lower: quantile(sorted, (1 - level) / 2), upper: quantile(sorted, (1 + level) / 2) };
  });
}

function drawn(samples: number, seed: number, resample: number): Float32Array {
  const random = stream(seed, "bootstrap", resample);
  const counts = new Float32Array(samples);
  for (let i = 0; i < samples; i++) counts[random.below(samples)]++;
  return counts;
}

/** Between the two values next to it, linearly (Hyndman & Fan 1996, type 7, NumPy's own). */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
