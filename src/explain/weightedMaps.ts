import type { HeatMap } from "./heatMap.ts";
import type { FeatureMaps } from "./probe.ts";

/** ReLU(Σₖ wₖ·Aᵏ): the positive part of maps A [C, H, W] summed with a weight each. */
export function weightedMaps({ channels, height, width, values }: FeatureMaps, weights: Float64Array): HeatMap {
  const cells = height * width;
  const sum = new Float64Array(cells);
  for (let channel = 0; channel < channels; channel++) {
    const weight = weights[channel] ?? 0;
    for (let at = 0; at < cells; at++) sum[at] = (sum[at] ?? 0) + weight * (values[channel * cells + at] ?? 0);
  }
  return { width, height, values: sum.map((value) => Math.max(0, value)) };
}
