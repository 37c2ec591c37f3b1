import { curveCounts } from "./curves.ts";
import { classMeans } from "./mean.ts";
import type { RankedSamples } from "./rankedSamples.ts";

/** Areas under precision-recall curves, one class against the rest. */
export interface AveragePrecision {
  /** By class; nothing for a class without samples (where scikit-learn says 0). */
  readonly perClass: readonly (number | undefined)[];
  /** The mean over the classes that have one. */
  readonly macro: number | undefined;
  /** The same, each class counting as much as its samples. */
  readonly weighted: number | undefined;
}

/** `areas` holds `precisionArea` of each class. */
export function averagePrecisionOf(areas: readonly number[], supports: Float64Array): AveragePrecision {
  const perClass = areas.map((area, c) => (supports[c] > 0 ? area / supports[c] : undefined));
  return { perClass, ...classMeans(perClass, supports) };
}

/**
 * Σ (TPₙ − TPₙ₋₁) Pₙ over the thresholds from the highest score of class `c` down: by the weight of its samples, the average precision
 * without interpolation (scikit-learn's `average_precision_score`).
 */
export function precisionArea(ranked: RankedSamples, weights: Float32Array | undefined, c: number): number {
  let area = 0;
  let before = 0;
  curveCounts(ranked, weights, c, (_, truePositives, falsePositives) => {
    // A step without a sample of the class adds nothing, and one without any weight has no precision.
    if (truePositives === before) return;
    area += ((truePositives - before) * truePositives) / (truePositives + falsePositives);
    before = truePositives;
  });
  return area;
}
