import { stream } from "../base/random.ts";
import type { GradientOf } from "./integratedGradients.ts";

export interface SmoothGradOptions {
  /** Of the noise, as a share of the image's own range of levels (§3.2). */
  readonly noise?: number;
  readonly draws?: number;
  readonly seed?: number;
}

/** SmoothGrad (Smilkov et al. 2017, §3): the gradient, averaged over images with Gaussian noise added. */
export async function smoothGrad(
  image: Float32Array,
  gradientOf: GradientOf,
  { noise = 0.15, draws = 24, seed = 0 }: SmoothGradOptions = {},
): Promise<Float64Array> {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const level of image) {
    lowest = Math.min(lowest, level);
    highest = Math.max(highest, level);
  }
  const deviation = noise * (highest - lowest);
  const noisy = Array.from({ length: draws }, (_, draw) => {
    const random = stream(seed, "smoothgrad", 0, draw);
    return image.map((level) => level + deviation * random.normal());
  });
  const mean = new Float64Array(image.length);
  for (const gradient of await gradientOf(noisy)) {
    for (const [i, slope] of gradient.entries()) mean[i] = (mean[i] ?? 0) + slope / draws;
  }
  return mean;
}
