import type { HeatMap } from "./heatMap.ts";
import type { DifferentiatedMaps } from "./probe.ts";
import { weightedMaps } from "./weightedMaps.ts";

/**
 * Grad-CAM++ (Chattopadhyay et al. 2018): positive gradients g weighted cell by cell, w = Σ α·ReLU(g) (equation 5), with
 * α = g² / (2g² + ΣA·g³) (equation 19, of the exponential of the score; its own value scales the whole map alike and is left out).
 */
export function gradCamPlusPlus(maps: DifferentiatedMaps): HeatMap {
  const cells = maps.height * maps.width;
  const weights = Float64Array.from({ length: maps.channels }, (_, channel) => {
    const gradient = maps.gradient.subarray(channel * cells, (channel + 1) * cells);
    let total = 0;
    for (let at = 0; at < cells; at++) total += maps.values[channel * cells + at] ?? 0;
    let weight = 0;
    for (const g of gradient) {
      const denominator = 2 * g ** 2 + total * g ** 3;
      if (denominator !== 0) weight += (g ** 2 / denominator) * Math.max(0, g);
    }
    return weight;
  });
  return weightedMaps(maps, weights);
}
