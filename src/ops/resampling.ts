import type { Dim } from "../base/shapes.ts";
import { axisOf, numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, float, int, ints, text } from "../graph/operator.ts";
import { constantNumbers } from "../graph/value.ts";

/** Changes lengths by interpolation; computed sizes give unknown lengths. No gradient yet. */
export const resize = defineOp("Resize", {
  inputs: ["x", "roi?", "scales?", "sizes?"],
  attributes: {
    antialias: int(0),
    axes: ints<readonly number[] | undefined>(undefined),
    coordinate_transformation_mode: text("half_pixel"),
    cubic_coeff_a: float(-0.75),
    exclude_outside: int(0),
    extrapolation_value: float(0),
    keep_aspect_ratio_policy: text("stretch"),
    mode: text("nearest"),
    nearest_mode: text("round_prefer_floor"),
  },
  infer: ([x, , scales, sizes], { axes, keep_aspect_ratio_policy }) => {
    const targets = (axes ?? [...x.shape.keys()]).map((axis) => axisOf("Resize", axis, x.rank));
    const given = sizes ?? scales;
    if (given === undefined) throw shapeError("Resize", 'neither "scales" nor "sizes" is given');
    const numbers = constantNumbers(given) ?? [];
    const shape: Dim[] = [...x.shape];
    targets.forEach((axis, i) => {
      const length = x.shape[axis];
      const number: number | undefined = numbers[i];
      if (number !== undefined && sizes && keep_aspect_ratio_policy === "stretch") shape[axis] = number;
      else if (number !== undefined && !sizes && typeof length === "number") shape[axis] = Math.floor(length * number);
      else shape[axis] = `resized(${length})`;
    });
    return [{ dtype: x.dtype, shape }];
  },
});

/** The middle `shape` of the given axes; zeros around what is too small. */
export const centerCropPad = defineOp("CenterCropPad", {
  inputs: ["x", "shape"],
  attributes: { axes: ints<readonly number[] | undefined>(undefined) },
  infer: ([x, target], { axes }) => {
    const numbers = numbersOf("CenterCropPad", target, "shape");
    const shape: Dim[] = [...x.shape];
    (axes ?? [...x.shape.keys()]).forEach((axis, i) => {
      shape[axisOf("CenterCropPad", axis, x.rank)] = numbers[i];
    });
    return [{ dtype: x.dtype, shape }];
  },
});

/** Samples x [N, C, H, W] at the places of grid [N, H', W', 2], which runs from −1 to 1 in (x, y). No gradient yet. */
export const gridSample = defineOp("GridSample", {
  inputs: ["x", "grid"],
  attributes: { align_corners: int(0), mode: text("linear"), padding_mode: text("zeros") },
  infer: ([x, grid]) => [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], grid.shape[1], grid.shape[2]] }],
});
