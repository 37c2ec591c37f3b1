import { sizeOf } from "../base/tensor.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { columnsOf, offsets } from "./convolutionColumns.ts";
import { gather } from "./indexing.ts";
import { concat, reshape } from "./layout.ts";
import { matmul } from "./products.ts";
import { reduceSum } from "./reductions.ts";
import { transpose } from "./transpose.ts";
import type { Window } from "./window.ts";

/** Rows of one product: fewer start too many products, more leave the caches. */
const rowsOfProduct = 512;

/**
 * dL/dw [O, C, …] of a convolution without groups and with stride 1 along the last axis. Each side moves its share of the taps,
 * x whole lines and dy whole pixels along the lines,
 *
 *   dw[o, c, i, j] = Σ_p dy[o, p − j] · x[c, p + i],   so that k + k instead of k·k copies meet in one product.
 */
export function productOfLines(dy: Value, x: Value, window: Window): Value {
  const last = window.kernel.length - 1;
  const [count, channels, ...extents] = x.staticShape;
  const [, outputs, ...results] = dy.staticShape;
  const lengths = results.with(last, extents[last]);
  const whole = {
    ...window,
    kernel: window.kernel.with(last, 1),
    padsBegin: window.padsBegin.with(last, 0),
    padsEnd: window.padsEnd.with(last, 0),
  };
  const taps = window.kernel[last];
  const seenBy = offsets(lengths).flatMap((place) =>
    [...Array(taps).keys()].map((tap) =>
      indexOf(place.with(last, place[last] + window.padsBegin[last] - tap * window.dilations[last]), results),
    ),
  );
  const positions = count * sizeOf(lengths);
  const lines = reshape(columnsOf(x, { lengths, window: whole }), [-1, positions]); // [C·k/kw, N·P]
  const product = matmul(lines, reshape(movedPixels(dy, seenBy, taps), [positions, taps * outputs]));
  const filter = transpose(reshape(product, [channels, sizeOf(window.kernel), outputs]), { perm: [2, 0, 1] });
  return reshape(filter, [outputs, channels, ...window.kernel]);
}

/** dL/dw [O, C, …] of a convolution without groups, any strides: for each place of dy the pixels of x that its taps saw. */
export function productOfPixels(dy: Value, x: Value, { kernel, strides, dilations, padsBegin }: Window): Value {
  const [, channels, ...lengths] = x.staticShape;
  const [, outputs, ...results] = dy.staticShape;
  const taps = offsets(kernel);
  const seen = offsets(results).flatMap((place) =>
    taps.map((tap) =>
      indexOf(
        place.map((at, i) => at * strides[i] + tap[i] * dilations[i] - padsBegin[i]),
        lengths,
      ),
    ),
  );
  const product = productOverRows(movedPixels(x, seen, taps.length), pixels(dy)); // [k·C, O]
  const filter = transpose(reshape(product, [taps.length, channels, outputs]), { perm: [2, 1, 0] });
  return reshape(filter, [outputs, channels, ...kernel]);
}

/** x [N, C, …] → [N, places, C]. */
function pixels(x: Value): Value {
  const [count, channels, ...lengths] = x.staticShape;
  const channelsLast = transpose(x, { perm: [0, ...lengths.map((_, i) => i + 2), 1] });
  return reshape(channelsLast, [count, sizeOf(lengths), channels]);
}

/** The pixels of x [N, C, …] at `indices`, `taps` to a row: [N, rows, taps·C]. An index past the end reads zeros. */
function movedPixels(x: Value, indices: readonly number[], taps: number): Value {
  const rows = pixels(x);
  const [count, , channels] = rows.staticShape;
  const zeros = constantOf("float32", [count, 1, channels], new Array<number>(count * channels).fill(0));
  const moved = gather(concat(rows, zeros, { axis: 1 }), constantOf("int64", [indices.length], indices), { axis: 1 });
  return reshape(moved, [count, indices.length / taps, taps * channels]);
}

/** Σ over images and rows of left [N, rows, a] and right [N, rows, b]: [a, b]. */
function productOverRows(left: Value, right: Value): Value {
  const [count, rows, a] = left.staticShape;
  const b = right.staticShape[2];
  let joined = 1;
  while (joined < count && (count % joined !== 0 || joined * rows < rowsOfProduct)) joined++;
  const batch = count / joined;
  const columns = transpose(reshape(left, [batch, joined * rows, a]), { perm: [0, 2, 1] });
  return reduceSum(matmul(columns, reshape(right, [batch, joined * rows, b])), [0], { keepdims: 0 });
}

/** The flat index of a position among `lengths`; one past the last where it lies outside. */
function indexOf(position: readonly number[], lengths: readonly number[]): number {
  if (position.some((at, i) => at < 0 || at >= lengths[i])) return sizeOf(lengths);
  return position.reduce((index, at, i) => index * lengths[i] + at, 0);
}
