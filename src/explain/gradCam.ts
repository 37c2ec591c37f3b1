import type { HeatMap } from "./heatMap.ts";
import type { DifferentiatedMaps } from "./probe.ts";
import { weightedMaps } from "./weightedMaps.ts";

/** Grad-CAM (Selvaraju et al. 2017): maps weighted by their mean gradient α (equation 1), positive parts (equation 2). */
export function gradCam(maps: DifferentiatedMaps): HeatMap {
  const cells = maps.height * maps.width;
  const weights = Float64Array.from({ length: maps.channels }, (_, channel) => {
    let sum = 0;
    for (let at = channel * cells; at < (channel + 1) * cells; at++) sum += maps.gradient[at] ?? 0;
    return sum / cells;
  });
  return weightedMaps(maps, weights);
}
