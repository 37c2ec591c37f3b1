import type { Value } from "../graph/value.ts";
import { convTranspose } from "./convolutionTransposed.ts";
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
 * dL/dw of a convolution as one matrix product, `X[k·C, N·K] · dY[N·K, O]`: of the orientations tried the fastest.
 *
 * @param shape of w, [O, C/group, …]
 */
export function weightGradient(dy: Value, x: Value, shape: readonly number[], window: Window, group: number): Value {
  const padded = padSpatial(x, window);
  if (group === 1 && window.kernel.length === 2 && window.strides.every((s) => s === 1)) {
    return shiftedWeightGradient(dy, padded, shape, window);
  }
  return columnsWeightGradient(dy, padded, shape, window, group);
}

/**
 * Stride 1: shifts along W on x and along H on dy instead of all k shifts on x, so that only kh + kw copies are made:
 * dw[o, c, i, j] = Σ x[c, n, h, w+j] · dy[n, h−i, w, o], over all h of the padded x.
 */
function shiftedWeightGradient(dy: Value, x: Value, shape: readonly number[], window: Window): Value {
  const [outputs, channels, kh, kw] = shape;
  const [count, , paddedHeight] = x.staticShape;
  const [, , height, width] = dy.staticShape;
  const [dilationH, dilationW] = window.dilations;
  const positions = count * paddedHeight * width;

  const channelMajor = transpose(x, { perm: [1, 0, 2, 3] });
  const columns = range(kw).map((j) => slice(channelMajor, [j * dilationW], [j * dilationW + width], [3]));
  const left = reshape(joined(columns, 0), [kw * channels, positions]); // [kw·C, N·HP·W]

  const channelsLast = transpose(dy, { perm: [0, 2, 3, 1] });
  const rows = range(kh).map((i) => {
    const before = i * dilationH;
    const after = paddedHeight - height - before;
    return before === 0 && after === 0 ? channelsLast : pad(channelsLast, [0, before, 0, 0, 0, after, 0, 0]);
  });
  const right = reshape(joined(rows, 3), [positions, kh * outputs]); // [N·HP·W, kh·O]

  const product = reshape(matmul(left, right), [kw, channels, kh, outputs]);
  return transpose(product, { perm: [3, 1, 2, 0] });
}

/** Any stride and group: every kernel offset is one strided copy of x; groups are a batch of products. */
function columnsWeightGradient(dy: Value, x: Value, shape: readonly number[], window: Window, group: number): Value {
  const [outputs, perGroup, ...kernel] = shape;
  const [count, , ...lengths] = dy.staticShape;
  const axes = kernel.map((_, i) => i + 2);
  const positions = count * lengths.reduce((a, b) => a * b, 1);

  const channelMajor = transpose(x, { perm: [1, 0, ...axes] });
  const columns = offsets(kernel).map((offset) => {
    const starts = offset.map((at, i) => at * window.dilations[i]);
    const ends = starts.map((start, i) => start + (lengths[i] - 1) * window.strides[i] + 1);
    return reshape(slice(channelMajor, starts, ends, axes, window.strides), [group, 1, perGroup, positions]);
  });
  const taps = columns.length;
  const left = reshape(joined(columns, 1), [group, taps * perGroup, positions]); // [G, k·C/G, N·K]

  const split = reshape(dy, [count, group, outputs / group, positions / count]);
  const right = reshape(transpose(split, { perm: [1, 0, 3, 2] }), [group, positions, outputs / group]); // [G, N·K, O/G]

  const product = reshape(matmul(left, right), [group, taps, perGroup, outputs / group]);
  return reshape(transpose(product, { perm: [0, 3, 2, 1] }), shape);
}

function padSpatial(x: Value, { padsBegin, padsEnd }: Window): Value {
  if (padsBegin.every((width) => width === 0) && padsEnd.every((width) => width === 0)) return x;
  return pad(x, [0, 0, ...padsBegin, 0, 0, ...padsEnd]);
}

function joined(values: readonly Value[], axis: number): Value {
  return values.length === 1 ? values[0] : concat(...values, { axis });
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
