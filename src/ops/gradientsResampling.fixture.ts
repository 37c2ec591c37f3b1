import { sizeOf } from "../base/tensor.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { add, mul } from "./arithmetic.ts";
import { type GradientRow, row } from "./gradientRow.fixture.ts";
import { gridSample } from "./gridSample.ts";
import { resize } from "./resampling.ts";

const image = [2, 3, 5, 7];
const coordinates = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric"];

/** Interpolation. */
export const resamplingRows: readonly GradientRow[] = [
  ...["nearest", "linear", "cubic"].flatMap((mode) =>
    coordinates.flatMap((coordinate_transformation_mode) => [
      row("Resize", `${mode}, ${coordinate_transformation_mode}, to a size`, [image], (x) =>
        resize(x, undefined, undefined, [2, 3, 9, 4], { mode, coordinate_transformation_mode }),
      ),
      row("Resize", `${mode}, ${coordinate_transformation_mode}, by odd scales`, [image], (x) =>
        resize(x, undefined, scales(0.7, 2.3), { mode, coordinate_transformation_mode, axes: [2, 3] }),
      ),
    ]),
  ),
  ...["round_prefer_ceil", "floor", "ceil"].map((nearest_mode) =>
    row("Resize", `nearest, ${nearest_mode}`, [image], (x) =>
      resize(x, undefined, scales(1, 1, 2, 0.5), { nearest_mode, coordinate_transformation_mode: "asymmetric" }),
    ),
  ),
  row("Resize", "nearest, doubled and tripled", [image], (x) => resize(x, undefined, scales(1, 1, 2, 3))),
  row("Resize", "nearest, one axis doubled", [[2, 3, 5]], (x) => resize(x, undefined, scales(1, 1, 2))),
  row("Resize", "nearest, all four axes", [[2, 1, 2, 3]], (x) => resize(x, undefined, scales(1, 2, 2, 0.5))),
  row("Resize", "cubic, outside excluded", [image], (x) =>
    resize(x, undefined, scales(1, 1, 1.7, 0.6), { mode: "cubic", exclude_outside: 1, cubic_coeff_a: -0.5 }),
  ),
  ...["linear", "cubic"].flatMap((mode) =>
    [0, 1].map((exclude_outside) =>
      row("Resize", `${mode}, antialias${exclude_outside ? ", outside excluded" : ""}`, [[1, 2, 11, 9]], (x) =>
        resize(x, undefined, undefined, [1, 2, 4, 5], { mode, antialias: 1, exclude_outside }),
      ),
    ),
  ),
  row("Resize", "linear, antialias, one axis grows", [image], (x) =>
    resize(x, undefined, undefined, [2, 3, 2, 10], { mode: "linear", antialias: 1 }),
  ),
  row("Resize", "not larger than a size", [image], (x) =>
    resize(x, undefined, undefined, [8, 9], { mode: "linear", axes: [2, 3], keep_aspect_ratio_policy: "not_larger" }),
  ),
  row("Resize", "cubic, a scale that changes no length", [[1, 1, 2, 2]], (x) =>
    resize(x, undefined, scales(1, 1, 1, 1.1), undefined, { mode: "cubic" }),
  ),
  row("Resize", "linear, antialias, a scale that leaves one length", [[1, 1, 2, 2]], (x) =>
    resize(x, undefined, scales(1, 1, 1.1, 0.5), undefined, { mode: "linear", antialias: 1 }),
  ),
  row("Resize", "nearest, a length that rounds up in single precision", [[1, 1, 1, 5]], (x) =>
    resize(x, undefined, scales(1, 1, 1, 2.6)),
  ),
  row("Resize", "nearest, beside a half", [[1, 1, 1, 9]], (x) =>
    resize(x, undefined, scales(1, 1, 1, 0.4), undefined, { coordinate_transformation_mode: "half_pixel_symmetric" }),
  ),
  row("Resize", "one length", [[1, 1, 5, 1]], (x) => resize(x, undefined, scales(1, 1, 0.2, 3), { mode: "linear" })),
  ...["zeros", "border", "reflection"].flatMap((padding_mode) =>
    [0, 1].flatMap((align_corners) => [
      row("GridSample", `${padding_mode}, corners ${align_corners}`, [image, [2, 3, 4, 2]], (x, u) =>
        gridSample(x, gridNear(x, u, align_corners), { padding_mode, align_corners }),
      ),
      row("GridSample", `${padding_mode}, corners ${align_corners}, nearest`, [[1, 2, 4, 3]], (x) => {
        const still = constantOf("float32", [1, 5, 4, 2], new Array<number>(40).fill(0.3));
        return gridSample(x, gridNear(x, still, align_corners), { padding_mode, align_corners, mode: "nearest" });
      }),
    ]),
  ),
  row(
    "GridSample",
    "one pixel",
    [
      [1, 2, 1, 1],
      [1, 2, 3, 2],
    ],
    (x, u) => gridSample(x, gridNear(x, u, 0)),
  ),
];

/** A grid of places all over the image and beyond, each as far from the next pixel as a small u allows: there are kinks on pixels. */
function gridNear(x: Value, u: Value, alignCorners: number): Value {
  const lengths = x.staticShape.slice(2).reverse();
  const middles = Array.from({ length: sizeOf(u.staticShape) }, (_, i) => ((i * 5) % (lengths[i % 2] + 3)) - 1.5);
  const place = add(mul(u, 0.2), constantOf("float32", u.staticShape, middles));
  const factors = lengths.map((length) => 2 / (alignCorners ? length - 1 : length));
  const shifts = lengths.map((length) => (alignCorners ? -1 : 1 / length - 1));
  return add(mul(place, constantOf("float32", [2], factors)), constantOf("float32", [2], shifts));
}

function scales(...numbers: readonly number[]): Value {
  return constantOf("float32", [numbers.length], numbers);
}
