import { sizeOf } from "../base/tensor.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { gather } from "./indexing.ts";
import { concat, reshape } from "./layout.ts";
import { pad, slice } from "./slicing.ts";
import { transpose } from "./transpose.ts";
import type { Window } from "./window.ts";

/** How the columns of a convolution are wanted. */
export interface ColumnOptions {
  /** Lengths of the convolution's result. */
  readonly lengths: readonly number[];
  readonly window: Window;
  /** The last tap first, as the adjoint of a convolution sees them. */
  readonly reversed?: boolean;
}

/**
 * What each kernel tap sees of x [N, C, …]: [C, k·N·P], taps in the kernel's order before positions (im2col with the channels outside).
 * Shifts along the last axis are copies; those along the others move whole rows, in one Gather that runs on all threads.
 */
export function columnsOf(x: Value, { lengths, window, reversed = false }: ColumnOptions): Value {
  const seen = isPointwise(window) ? picked(x, lengths, window.strides) : x;
  const channelMajor = transpose(seen, { perm: [1, 0, ...lengths.map((_, i) => i + 2)] });
  const [channels, count] = channelMajor.staticShape;
  if (isPointwise(window)) return reshape(channelMajor, [channels, count * sizeOf(lengths)]);
  const last = lengths.length - 1;
  const shifts = range(window.kernel[last]).map((tap) => shifted(channelMajor, tap, lengths[last], window));
  const extents = shifts[0].staticShape.slice(2, -1);
  const rows = stacked(shifts, [channels, count * sizeOf(extents), lengths[last]]); // [C, kw·N·H, W]
  const taps = offsets(window.kernel);
  const indices: number[] = [];
  for (const tap of reversed ? [...taps].reverse() : taps) {
    for (let image = 0; image < count; image++) {
      for (const at of offsets(lengths.slice(0, last))) {
        let row = tap[last] * count + image;
        at.forEach((place, i) => {
          row = row * extents[i] + place * window.strides[i] + tap[i] * window.dilations[i];
        });
        indices.push(row);
      }
    }
  }
  return gather(rows, constantOf("int64", [indices.length], indices), { axis: 1 });
}

/** What tap `tap` of the last axis sees, [C, N, …padded, width]; the other axes get their pads on the way. */
function shifted(x: Value, tap: number, width: number, window: Window): Value {
  const last = x.rank - 3;
  const begin = [...window.padsBegin];
  const end = [...window.padsEnd];
  const stride = window.strides[last];
  const start = tap * window.dilations[last];
  if (stride === 1) {
    // Negative pads cut off: one copy does both.
    const padded = x.staticShape[x.rank - 1] + begin[last] + end[last];
    begin[last] -= start;
    end[last] += start + width - padded;
    return padSpatial(x, begin, end);
  }
  return slice(padSpatial(x, begin, end), [start], [start + (width - 1) * stride + 1], [last + 2], [stride]);
}

function padSpatial(x: Value, begin: readonly number[], end: readonly number[]): Value {
  if ([...begin, ...end].every((width) => width === 0)) return x;
  return pad(x, [0, 0, ...begin, 0, 0, ...end]);
}

/** One tap and no pads: pixels as they are, or every few. */
export function isPointwise({ kernel, padsBegin, padsEnd }: Window): boolean {
  return kernel.every((k) => k === 1) && [...padsBegin, ...padsEnd].every((width) => width === 0);
}

/** The pixels of x [N, C, …] that a pointwise convolution with `strides` sees, [N, C, …lengths]. */
export function picked(x: Value, lengths: readonly number[], strides: readonly number[]): Value {
  if (strides.every((stride) => stride === 1)) return x;
  const starts = lengths.map(() => 0);
  const ends = lengths.map((length, i) => (length - 1) * strides[i] + 1);
  const axes = lengths.map((_, i) => i + 2);
  return slice(x, starts, ends, axes, strides);
}

/** Each value in `shape`, one after another along axis 1. */
function stacked(values: readonly Value[], shape: readonly number[]): Value {
  const parts = values.map((value) => reshape(value, shape));
  return parts.length === 1 ? parts[0] : concat(...parts, { axis: 1 });
}

/** All positions of a kernel, last axis fastest. */
export function offsets(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (prefixes, length) => prefixes.flatMap((prefix) => range(length).map((at) => [...prefix, at])),
    [[]],
  );
}

function range(length: number): readonly number[] {
  return [...Array(length).keys()];
}
