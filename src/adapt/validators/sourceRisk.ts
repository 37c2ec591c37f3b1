/** The least probability that a loss is computed from, so that a sure mistake costs a finite amount. */
const least = 1e-7;

/** −log p of the true class of each held-out source image; its mean is the source risk, which says nothing about the target. */
export function sourceLosses(probabilities: Float32Array, labels: ArrayLike<number>, classes: number): Float64Array {
  return Float64Array.from(
    labels,
    (label, row) => -Math.log(Math.max(least, probabilities[row * classes + label] ?? 0)),
  );
}
