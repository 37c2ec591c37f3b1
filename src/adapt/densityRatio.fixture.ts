import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";

/** `count` points of a normal distribution in the plane, with the same deviation along both axes. */
export function normalRows(count: number, mean: readonly [number, number], deviation: number, purpose: string): Rows {
  const values = Float64Array.from({ length: 2 * count }, (_, i) => {
    return (mean[i % 2] ?? 0) + deviation * stream(3, purpose, 0, i).normal();
  });
  return { values, count, width: 2 };
}

/** Pearson's correlation. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const mean = (of: ArrayLike<number>) => Array.from(of).reduce((sum, one) => sum + one, 0) / of.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, own, other] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [first, second] = [(a[i] ?? 0) - meanA, (b[i] ?? 0) - meanB];
    both += first * second;
    own += first * first;
    other += second * second;
  }
  return both / Math.sqrt(own * other);
}
