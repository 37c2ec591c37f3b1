import { GraftError } from "../base/errors.ts";
import { normalQuantile } from "./normalQuantile.ts";

/** Between which values a quantity lies with the confidence that was asked for. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * The interval of a proportion by Wilson's score (1927, equation for p₁ and p₂), which keeps its promise for few samples and near 0 and 1.
 * Weighted samples count as Kish's effective number, (Σw)² / Σw². Throws `usage` for what is no proportion.
 */
export function wilsonInterval(proportion: number, samples: number, level = 0.95): Interval {
  if (!(samples > 0 && proportion >= 0 && proportion <= 1 && level > 0 && level < 1)) {
    throw new GraftError(
      "usage",
      `wilsonInterval: found the proportion ${proportion} of ${samples} samples at level ${level}; expected 0 to 1, of more than 0, between 0 and 1.`,
    );
  }
  const z = normalQuantile((1 + level) / 2);
  const shrink = 1 + z ** 2 / samples;
  const centre = (proportion + z ** 2 / (2 * samples)) / shrink;
  const spread = Math.sqrt((proportion * (1 - proportion)) / samples + (z / (2 * samples)) ** 2);
  const half = (z * spread) / shrink;
  // Rounding may pass the ends, which the interval touches when nothing, or everything, is a success.
  return {
    lower: proportion === 0 ? 0 : Math.max(0, centre - half),
    upper: proportion === 1 ? 1 : Math.min(1, centre + half),
  };
}
