/**
 * The weights, summing to their effective sample size: target and source then count by the inverse of the variance of their losses' means, which is
 * the best that a sum of both can do.
 */
export function scaled(weights: Float64Array): Float64Array {
  const sum = weights.reduce((a, b) => a + b, 0);
  const factor = effectiveSampleSize(weights) / sum;
  return weights.map((weight) => (sum > 0 ? weight * factor : 0));
}

/** So many rows of equal weight tell as much: (Σw)² / Σw² (Kish 1965, §8.2). */
export function effectiveSampleSize(weights: Float64Array): number {
  let [sum, squares] = [0, 0];
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return squares > 0 ? (sum * sum) / squares : 0;
}
