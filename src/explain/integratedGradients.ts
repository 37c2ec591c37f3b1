/** How a class's score changes with each level of some images. */
export type GradientOf = (images: readonly Float32Array[]) => Promise<readonly Float32Array[]>;

export interface IntegratedGradientsOptions {
  /** Where the path begins. Default: black. */
  readonly baseline?: Float32Array;
  /** Points on the path; more make the sum of the attributions come nearer to f(x) − f(baseline). */
  readonly steps?: number;
}

/**
 * Integrated gradients (Sundararajan et al. 2017, equation 1; the integral as in §5, by the midpoint rule): for each level
 * (x − x′)·∫₀¹ ∂f(x′ + a(x − x′))/∂x da. They sum to f(x) − f(x′) (proposition 1).
 */
export async function integratedGradients(
  image: Float32Array,
  gradientOf: GradientOf,
  { baseline = new Float32Array(image.length), steps = 32 }: IntegratedGradientsOptions = {},
): Promise<Float64Array> {
  const difference = image.map((level, i) => level - (baseline[i] ?? 0));
  const path = Array.from({ length: steps }, (_, step) => {
    const share = (step + 0.5) / steps;
    return difference.map((whole, i) => (baseline[i] ?? 0) + share * whole);
  });
  const sum = new Float64Array(image.length);
  for (const gradient of await gradientOf(path)) {
    for (const [i, slope] of gradient.entries()) sum[i] = (sum[i] ?? 0) + slope / steps;
  }
  return sum.map((mean, i) => mean * (difference[i] ?? 0));
}
