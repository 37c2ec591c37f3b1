/**
 * Deep embedded validation (You, Wang, Long & Jordan 2019, algorithm 2): the target risk estimated from held-out source images, each loss
 * times the density ratio w = p_T(x)/p_S(x), and η(w − 1) as control variate with η = −Cov(wℓ, w)/Var(w). Less is better.
 *
 * @param losses of the held-out source images
 * @param weights their density ratios
 */
export function deepEmbeddedValidation(losses: ArrayLike<number>, weights: ArrayLike<number>): number {
  const weighted = Float64Array.from(losses, (loss, i) => loss * (weights[i] ?? 0));
  const ratios = Float64Array.from(weights);
  const [risk, ratio] = [meanOf(weighted), meanOf(ratios)];
  let [covariance, variance] = [0, 0];
  for (const [i, w] of ratios.entries()) {
    covariance += ((weighted[i] ?? 0) - risk) * (w - ratio);
    variance += (w - ratio) ** 2;
  }
  const eta = variance > 0 ? -covariance / variance : 0;
  return risk + eta * (ratio - 1);
}

/** w = (n_S/n_T)·p(target | x)/p(source | x), from what a classifier of the domains says of each image (eq. 7). */
export function densityRatios(
  ofTarget: ArrayLike<number>,
  counts: { readonly source: number; readonly target: number },
): Float64Array {
  return Float64Array.from(ofTarget, (p) => (counts.source / counts.target) * (p / Math.max(1e-7, 1 - p)));
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
