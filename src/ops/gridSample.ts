import { sizeOf } from "../base/tensor.ts";
import { shapeError } from "../graph/infer.ts";
import { defineOp, int, text } from "../graph/operator.ts";
import { constantOf, scalar, type Value } from "../graph/value.ts";
import { abs, add, div, floor, max, min, mul, neg, round, sign, sub } from "./arithmetic.ts";
import { cast, equal } from "./comparison.ts";
import { gatherElements, scatterElements } from "./indexing.ts";
import { concat, expand, reshape } from "./layout.ts";
import { reduceSum } from "./reductions.ts";
import { slice } from "./slicing.ts";

/**
 * Samples x [N, C, H, W] at the places of grid [N, H', W', 2], which runs from −1 to 1 in (x, y).
 * y = Σ w·x over the four pixels around a place; dx adds w·dy to each of them, dgrid weighs them with dw/dplace.
 */
export const gridSample = defineOp("GridSample", {
  inputs: ["x", "grid"],
  attributes: { align_corners: int(0), mode: text("linear"), padding_mode: text("zeros") },
  infer: ([x, grid]) => [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...grid.shape.slice(1, -1)] }],
  vjp: ([dy], { inputs: [x, grid], attributes }): (Value | undefined)[] => {
    const { mode } = attributes;
    if (x.rank !== 4 || (mode !== "linear" && mode !== "nearest")) {
      throw shapeError("GridSample", `no gradient for rank ${x.rank} and mode "${mode}"`);
    }
    const [count, channels, height, width] = x.staticShape;
    const read = readingOf(x, grid, attributes);
    const reads = read.deltas.length * read.points;
    const places = expand(reshape(read.index, [count, 1, reads]), [count, channels, reads]);
    const [across, down] = axes(read.weights);
    const dyRead = reshape(dy, [count, channels, 1, read.points]);
    const shares = reshape(mul(dyRead, reshape(mul(across, down), byRead(count, 1, read))), [count, channels, reads]);
    const empty = expand(scalar(0, dy.dtype), [count, channels, height * width]);
    const dx = reshape(scatterElements(empty, places, shares, { axis: 2, reduction: "add" }), x.staticShape);
    if (mode === "nearest") return [dx, undefined];

    const pixels = gatherElements(reshape(x, [count, channels, height * width]), places, { axis: 2 });
    const matches = reduceSum(mul(dyRead, reshape(pixels, byRead(count, channels, read))), [1], { keepdims: 0 });
    const perCorner = reshape(matches, [count, read.deltas.length, read.points, 1]);
    const [slopeAcross, slopeDown] = axes(read.slopes);
    const slopes = concat(mul(slopeAcross, down), mul(across, slopeDown), { axis: -1 });
    const dPlace = reduceSum(mul(perCorner, slopes), [1], { keepdims: 0 }); // [N, P, 2]
    return [dx, reshape(mul(dPlace, read.placePerGrid), grid.staticShape)];
  },
});

/** Which pixels are read, with which weights: K per point (four, or one for "nearest"), P points, (x, y) last. */
interface Reading {
  readonly deltas: readonly (readonly [x: number, y: number])[];
  readonly points: number;
  /** Flat pixel numbers, [N, K, P], int64. */
  readonly index: Value;
  /** One factor for each direction, 0 outside the image, [N, K, P, 2]; `slopes` are their derivatives by the place. */
  readonly weights: Value;
  readonly slopes: Value;
  /** d place / d grid, [N, P, 2] or [2]. */
  readonly placePerGrid: Value;
}

function readingOf(x: Value, grid: Value, { align_corners, mode, padding_mode }: Attributes): Reading {
  const { dtype } = x;
  const [count, , height, width] = x.staticShape;
  const pair = (a: number, b: number) => constantOf(dtype, [2], [a, b]);
  const points = sizeOf(grid.staticShape.slice(1, -1));
  const [halfX, halfY] = [width, height].map((length) => (align_corners ? length - 1 : length) / 2);
  const offset = align_corners ? 0 : 0.5;
  const flat = reshape(grid, [count, 1, points, 2]);
  const far = pair(width - 1, height - 1);
  const free = add(mul(flat, pair(halfX, halfY)), pair(halfX - offset, halfY - offset));
  const { place, slope } = padded(padding_mode, free, far, offset);
  const isLinear = mode === "linear";
  const low = isLinear ? floor(place) : round(place);
  const deltas = isLinear ? corners : corners.slice(0, 1);
  const table = (number: (delta: number) => number) =>
    constantOf(dtype, [1, deltas.length, 1, 2], deltas.flat().map(number));
  // The factor of the pixel before a place is 1 − fraction, that of the one behind it the fraction.
  const direction = table((delta) => (isLinear ? 2 * delta - 1 : 0));
  const pixel = add(
    low,
    table((delta) => delta),
  );
  const nearby = clamp(pixel, far);
  // A reflected place may still lie half a pixel outside: there the border pixel stands for its neighbour.
  const shown = padding_mode === "zeros" ? cast(equal(nearby, pixel), dtype) : scalar(1, dtype);
  return {
    deltas,
    points,
    index: cast(reduceSum(mul(nearby, pair(1, width)), [-1], { keepdims: 0 }), "int64"),
    weights: mul(
      add(
        mul(sub(place, low), direction),
        table((delta) => 1 - delta),
      ),
      shown,
    ),
    slopes: mul(direction, shown),
    placePerGrid: mul(slope, pair(halfX, halfY)),
  };
}

/** A place as `padding_mode` moves it into the image, and its derivative [N, P, 2] or []. */
function padded(
  mode: string,
  free: Value,
  far: Value,
  offset: number,
): { readonly place: Value; readonly slope: Value } {
  const { dtype } = free;
  if (mode === "zeros") return { place: free, slope: scalar(1, dtype) };
  const [count, , points] = free.staticShape;
  const perPoint = (slope: Value) => reshape(slope, [count, points, 2]);
  if (mode === "border") {
    const place = clamp(free, far);
    return { place, slope: perPoint(cast(equal(place, free), dtype)) };
  }
  // There and back between −offset and far + offset: span − |phase − span|, where phase runs from 0 to 2·span.
  const span = add(far, 2 * offset);
  const period = mul(span, 2);
  const fromLow = add(free, offset);
  const back = sub(sub(fromLow, mul(period, floor(div(fromLow, period)))), span);
  return { place: sub(sub(span, abs(back)), offset), slope: perPoint(neg(sign(back))) };
}

interface Attributes {
  readonly align_corners: number;
  readonly mode: string;
  readonly padding_mode: string;
}

const corners: Reading["deltas"] = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
];

function byRead(count: number, channels: number, { deltas, points }: Reading): readonly number[] {
  return [count, channels, deltas.length, points];
}

function clamp(x: Value, far: Value): Value {
  return min(max(x, scalar(0, x.dtype)), far);
}

/** The two halves of the last axis. */
function axes(x: Value): readonly [across: Value, down: Value] {
  return [slice(x, [0], [1], [-1]), slice(x, [1], [2], [-1])];
}
