import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { constantOf, input, type Value } from "../graph/value.ts";
import { clip } from "../ops/activations.ts";
import { add, div, floor, max, min, mul, sub } from "../ops/arithmetic.ts";
import { cast, greater, less } from "../ops/comparison.ts";
import { gridSample } from "../ops/gridSample.ts";
import { concat, reshape, transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { reduceMax, reduceMean, reduceMin } from "../ops/reductions.ts";
import { slice } from "../ops/slicing.ts";
import { type Augmentation, type Draw, drawAugmentation } from "./augmentation.ts";

/** A graph that augments a batch: fed pixels and one draw per image. */
export interface AugmentGraph {
  /** uint8 [N, H, W, 3] `image`, and the draws: `affine` [N, 2, 3], `brightness` [N], `channelShift` [N], `hidden` [N, 4]. */
  readonly inputs: readonly Value[];
  /** float32 [N, H, W, 3]. */
  readonly output: Value;
}

/** Writes the graph: one resampling of each image, then its levels. */
export function augment(spec: Augmentation, height: number, width: number): AugmentGraph {
  const image = input("image", "uint8", ["N", height, width, 3]);
  const affine = input("affine", "float32", ["N", 2, 3]);
  const brightness = input("brightness", "float32", ["N"]);
  const channelShift = input("channelShift", "float32", ["N"]);
  const hidden = input("hidden", "float32", ["N", 4]);
  const floats = transpose(cast(image, "float32"), { perm: [0, 3, 1, 2] });
  const warped = warp(floats, affine, spec, height, width);
  const shifted = spec.channelShiftRange === 0 ? warped : shiftChannels(warped, channelShift);
  const lit = spec.brightnessRange === undefined ? shifted : clip(mul(shifted, perImage(brightness)), 0, 255);
  const erased = spec.randomErasing === 0 ? lit : hide(lit, hidden, height, width);
  const rescaled = spec.rescale === undefined ? erased : mul(erased, spec.rescale);
  return {
    inputs: [image, affine, brightness, channelShift, hidden],
    output: transpose(rescaled, { perm: [0, 2, 3, 1] }),
  };
}

/** Draws the augmentation of some images of the data set: a function of (seed, epoch, sample) alone. */
export function drawBatch(
  spec: Augmentation,
  { seed, epoch, side }: { readonly seed: number; readonly epoch: number; readonly side: number },
  samples: readonly number[],
): readonly Draw[] {
  return samples.map((sample) => drawAugmentation(spec, stream(seed, "augment", epoch, sample), side, side));
}

/** The feeds of a batch's draws. */
export function drawFeeds(draws: readonly Draw[]): Record<string, Tensor> {
  return {
    affine: Tensor.float32(
      [draws.length, 2, 3],
      draws.flatMap(({ affine }) => affine),
    ),
    brightness: Tensor.float32(
      [draws.length],
      draws.map(({ brightness }) => brightness),
    ),
    channelShift: Tensor.float32(
      [draws.length],
      draws.map(({ channelShift }) => channelShift),
    ),
    hidden: Tensor.float32(
      [draws.length, 4],
      draws.flatMap(({ hidden }) => hidden),
    ),
  };
}

/** Bilinear samples of x [N, 3, H, W] at affine images of all pixel places. */
function warp(x: Value, affine: Value, spec: Augmentation, height: number, width: number): Value {
  const columns: number[] = [];
  const rows: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let column = 0; column < width; column++) {
      columns.push(column);
      rows.push(y);
    }
  }
  const places = constantOf("float32", [3, height * width], [...columns, ...rows, ...columns.map(() => 1)]);
  const pixels = transpose(matmul(affine, places), { perm: [0, 2, 1] }); // [N, H·W, (x, y)]
  const at = (wrapped: Value, w: number, h: number) =>
    reshape(sub(div(add(mul(wrapped, 2), 1), constantOf("float32", [2], [w, h])), 1), [-1, height, width, 2]);
  switch (spec.fillMode) {
    case "nearest":
      return gridSample(x, at(pixels, width, height), { padding_mode: "border" });
    case "reflect":
      return gridSample(x, at(pixels, width, height), { padding_mode: "reflection" });
    case "constant":
      // The sampler knows only zeros outside, so zero is moved to the wanted level and back.
      return add(gridSample(sub(x, spec.cval), at(pixels, width, height), { padding_mode: "zeros" }), spec.cval);
    case "wrap": {
      const size = constantOf("float32", [2], [width, height]);
      const inside = sub(pixels, mul(floor(div(pixels, size)), size));
      return gridSample(withFirstRepeated(x), at(inside, width + 1, height + 1), { padding_mode: "border" });
    }
  }
}

/** The first row and column once more behind the last: between the last pixel and the first, wrapping interpolates. */
function withFirstRepeated(x: Value): Value {
  const wider = concat(x, slice(x, [0], [1], [3]), { axis: 3 });
  return concat(wider, slice(wider, [0], [1], [2]), { axis: 2 });
}

/** Adds one level to all channels of an image, kept within the image's own extremes, as Keras does. */
function shiftChannels(x: Value, shift: Value): Value {
  const low = reduceMin(x, [1, 2, 3], { keepdims: 1 });
  const high = reduceMax(x, [1, 2, 3], { keepdims: 1 });
  return min(max(add(x, perImage(shift)), low), high);
}

/** The rectangles of x [N, 3, H, W] filled with each image's mean colour, which tells the network least. */
function hide(x: Value, hidden: Value, height: number, width: number): Value {
  const edge = (i: number) => perImage(slice(hidden, [i], [i + 1], [1]));
  const column = constantOf(
    "float32",
    [1, 1, 1, width],
    Array.from({ length: width }, (_, i) => i),
  );
  const row = constantOf(
    "float32",
    [1, 1, height, 1],
    Array.from({ length: height }, (_, i) => i),
  );
  // 1 from the first edge to before the second: whole numbers, so that half a pixel decides.
  const between = (at: Value, low: Value, high: Value) =>
    mul(cast(greater(at, sub(low, 0.5)), "float32"), cast(less(at, sub(high, 0.5)), "float32"));
  const mask = mul(between(column, edge(0), edge(2)), between(row, edge(1), edge(3))); // [N, 1, H, W]
  return add(x, mul(mask, sub(reduceMean(x, [2, 3], { keepdims: 1 }), x)));
}

function perImage(values: Value): Value {
  return reshape(values, [-1, 1, 1, 1]);
}
