import { sizeOf } from "../base/tensor.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { convTranspose } from "./convolutionTransposed.ts";
import { gather } from "./gather.ts";
import { concat, reshape } from "./layout.ts";
import { matmul } from "./products.ts";
import { pad, slice } from "./slicing.ts";
import { transpose } from "./transpose.ts";
import type { Window } from "./window.ts";

/**
 * dL/dx of a convolution: the transposed convolution of dy with the same kernel.
 * What the strides left over at the far end comes back as output padding.
 *
 * @param shape of x, [N, C, …]
 */
export function inputGradient(dy: Value, w: Value, shape: readonly number[], window: Window, group: number): Value {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  const lengths = dy.staticShape.slice(2);
  const outputPadding = lengths.map((length, i) => {
    const reach = (length - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1;
    return shape[i + 2] + padsBegin[i] + padsEnd[i] - reach;
  });
  return convTranspose(dy, w, {
    strides,
    dilations,
    group,
    pads: [...padsBegin, ...padsEnd],
    output_padding: outputPadding,
    kernel_shape: kernel,
  });
}

/**
 * dL/dw of a convolution as one matrix product over all positions, `X[C·k, N·P] · dY[N·P, O]`: of the orientations tried
 * the fastest, and one plain transposition away from the filter. Groups are a batch of products.
 *
 * @param shape of w, [O, C/group, kh, kw]; a convolution along one axis has kw only
 */
export function weightGradient(dy: Value, x: Value, shape: readonly number[], window: Window, group: number): Value {
  const [outputs, perGroup, ...kernel] = shape;
  const [count, , ...lengths] = dy.staticShape;
  const taps = sizeOf(kernel);
  const positions = count * sizeOf(lengths);
  const columns = reshape(columnsOf(x, lengths, window), [group, perGroup * taps, positions]);
  const axes = lengths.map((_, i) => i + 2);
  const channelsLast = group === 1 ? transpose(dy, { perm: [0, ...axes, 1] }) : groupsFirst(dy, group);
  const product = matmul(columns, reshape(channelsLast, [group, positions, outputs / group])); // [G, C/G·k, O/G]
  return reshape(transpose(product, { perm: [0, 2, 1] }), shape);
}

/**
 * What each kernel tap sees of x [N, C, …]: [C, k·N·P], taps in the kernel's order before positions.
 * Shifts along the last axis are slices; those along the others move whole rows, in one Gather that runs on all threads.
 */
function columnsOf(x: Value, lengths: readonly number[], window: Window): Value {
  const padded = padSpatial(x, window);
  const [count, channels, ...extents] = padded.staticShape;
  const { kernel, strides, dilations } = window;
  const last = lengths.length - 1;
  const width = lengths[last];
  const rows = count * sizeOf(extents.slice(0, last));
  const channelMajor = transpose(padded, { perm: [1, 0, ...lengths.map((_, i) => i + 2)] });
  const shifts = range(kernel[last]).map((tap) => {
    const start = tap * dilations[last];
    return slice(channelMajor, [start], [start + (width - 1) * strides[last] + 1], [last + 2], [strides[last]]);
  });
  const shifted = stacked(shifts, [channels, rows, width], 1); // [C, kw·N·H, W]
  const indices: number[] = [];
  for (const tap of offsets(kernel)) {
    for (let image = 0; image < count; image++) {
      for (const at of offsets(lengths.slice(0, last))) {
        let row = tap[last] * count + image;
        at.forEach((place, i) => {
          row = row * extents[i] + place * strides[i] + tap[i] * dilations[i];
        });
        indices.push(row);
      }
    }
  }
  return gather(shifted, constantOf("int64", [indices.length], indices), { axis: 1 });
}

/** [N, O, …] → [G, N, …, O/G]. */
function groupsFirst(dy: Value, group: number): Value {
  const [count, outputs, ...lengths] = dy.staticShape;
  const split = reshape(dy, [count, group, outputs / group, ...lengths]);
  return transpose(split, { perm: [1, 0, ...lengths.map((_, i) => i + 3), 2] });
}

function padSpatial(x: Value, { padsBegin, padsEnd }: Window): Value {
  if (padsBegin.every((width) => width === 0) && padsEnd.every((width) => width === 0)) return x;
  return pad(x, [0, 0, ...padsBegin, 0, 0, ...padsEnd]);
}

/** Each value in `shape`, one after another along `axis`. */
function stacked(values: readonly Value[], shape: readonly number[], axis: number): Value {
  const parts = values.map((value) => reshape(value, shape));
  return parts.length === 1 ? parts[0] : concat(...parts, { axis });
}

/** All positions of a kernel, last axis fastest. */
function offsets(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (prefixes, length) => prefixes.flatMap((prefix) => range(length).map((at) => [...prefix, at])),
    [[]],
  );
}

function range(length: number): readonly number[] {
  return [...Array(length).keys()];
}
