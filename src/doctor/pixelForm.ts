/** The least and the greatest of some numbers. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** The ways in which pixels are usually written as numbers. */
export const pixelForms = {
  levels: "raw levels of 0–255",
  centred: "levels less a mean",
  unit: "0 to 1",
  signed: "−1 to 1",
  standardised: "standardised, as by ImageNet's mean and deviation",
  flat: "almost one and the same number",
  other: "no usual form of pixels",
} as const;
export type PixelForm = keyof typeof pixelForms;

const rounding = 1e-3;
/** Two rescalings by 1/255 leave a range of 0.004. */
const flatRange = 0.05;
const bright = 20;
const widestStandardised = 10;

/** How pixels of this range were prepared. */
export function pixelFormOf({ min, max }: Range): PixelForm {
  const largest = Math.max(max, -min);
  if (max - min < flatRange) return "flat";
  if (min >= 0 && max <= 1 + rounding) return "unit";
  if (largest <= 1 + rounding) return "signed";
  if (largest > 256 || (min >= 0 && max <= bright)) return "other";
  if (min >= 0) return "levels";
  return largest <= widestStandardised ? "standardised" : "centred";
}
