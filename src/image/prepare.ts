import type { Value } from "../graph/value.ts";
import { constantOf } from "../graph/value.ts";
import { add, div, mul } from "../ops/arithmetic.ts";
import { cast } from "../ops/comparison.ts";
import { shapeOf, transpose } from "../ops/layout.ts";
import { reduceMin } from "../ops/reductions.ts";
import { centerCropPad, resize } from "../ops/resampling.ts";

/** How a photo of any size becomes what a network sees. */
export interface Preparation {
  /** The shorter side is resized to this many pixels, … */
  readonly resizeTo: number;
  /** … and the middle square of this side is kept. */
  readonly cropTo: number;
  readonly interpolation: "bilinear" | "bicubic";
}

/** What pixels of 0–255 are multiplied by, and what is added then, for each of red, green and blue. */
export interface Normalisation {
  readonly scale: readonly [number, number, number];
  readonly offset: readonly [number, number, number];
}

/**
 * Resizes with antialiasing and crops, as Pillow and torchvision do.
 *
 * @param image uint8 [N, H, W, 3], any H and W
 * @returns uint8 [N, cropTo, cropTo, 3]
 */
export function prepare(image: Value, { resizeTo, cropTo, interpolation }: Preparation): Value {
  // The longer side becomes ⌊resizeTo · longer / shorter⌋, in whole numbers, as in torchvision.
  const sides = shapeOf(image, { start: 1, end: 3 });
  const sizes = div(mul(sides, resizeTo), reduceMin(sides, [0], { keepdims: 1 }));
  const resized = resize(image, undefined, undefined, sizes, {
    antialias: 1,
    axes: [1, 2],
    coordinate_transformation_mode: "half_pixel",
    // Pillow's cubic, not the runtime's default.
    cubic_coeff_a: -0.5,
    // At the borders Pillow divides by the weights that lie inside.
    exclude_outside: 1,
    mode: interpolation === "bicubic" ? "cubic" : "linear",
  });
  return centerCropPad(resized, [cropTo, cropTo], { axes: [1, 2] });
}

/** Pixels [N, H, W, 3] of 0–255 → float32 [N, 3, H, W] as the network's weights expect them. */
export function normalise(pixels: Value, { scale, offset }: Normalisation): Value {
  const floats = transpose(pixels.dtype === "float32" ? pixels : cast(pixels, "float32"), { perm: [0, 3, 1, 2] });
  const perChannel = (values: readonly number[]) => constantOf("float32", [1, 3, 1, 1], values);
  return add(mul(floats, perChannel(scale)), perChannel(offset));
}

/** (x/255 − mean) / deviation, as torchvision writes it. */
export function meanAndDeviation(
  mean: readonly [number, number, number],
  deviation: readonly [number, number, number],
): Normalisation {
  return {
    scale: [1 / (255 * deviation[0]), 1 / (255 * deviation[1]), 1 / (255 * deviation[2])],
    offset: [-mean[0] / deviation[0], -mean[1] / deviation[1], -mean[2] / deviation[2]],
  };
}
