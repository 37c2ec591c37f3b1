import { sizeOf } from "../base/tensor.ts";
import { defineOp, int, ints } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { columnsOf, isPointwise, picked } from "./convolutionColumns.ts";
import { productOfLines, productOfPixels } from "./convolutionPixels.ts";
import { reshape } from "./layout.ts";
import { matmul } from "./products.ts";
import { reduceSum } from "./reductions.ts";
import { transpose } from "./transpose.ts";
import { resolveWindow, type Window, windowFields } from "./window.ts";

/**
 * dL/dw [O, C/group, …] of a convolution from dL/dy [N, O, …] and its data x [N, C, …]: the window is the convolution's.
 * What runs fastest depends on shapes and layouts, so that it stays one operator until the graph is lowered.
 */
export const convFilterGradient = defineOp("graft::ConvFilterGradient", {
  inputs: ["dy", "x"],
  attributes: {
    ...windowFields,
    kernel_shape: ints<readonly number[]>([]),
    group: int(1),
  },
  infer: ([dy, x], { kernel_shape, group }) => [
    { dtype: x.dtype, shape: [dy.staticShape[1], x.staticShape[1] / group, ...kernel_shape] },
  ],
  expand: ({ inputs: [dy, x], outputs: [dw], attributes }) => {
    const { group, kernel_shape } = attributes;
    const window = resolveWindow("ConvFilterGradient", attributes, kernel_shape, x.shape.slice(2));
    const form = group === 1 ? fastestForm(dy, x, window) : "columns";
    if (form === "lines") return [productOfLines(dy, x, window)];
    if (form === "pixels") return [productOfPixels(dy, x, window)];
    if (form === "images") return [productOfImages(dy, x, window)];
    return [productOfColumns(dy, x, dw.staticShape, window, group)];
  },
});

/** dL/dw of a convolution with this window. */
export function filterGradient(dy: Value, x: Value, window: Window, group: number): Value {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  const pads = [...padsBegin, ...padsEnd];
  return convFilterGradient(dy, x, { kernel_shape: kernel, strides, dilations, pads, group });
}

/** Fewer positions in an image make too many small products. */
const fewestPositions = 512;

/** Fewer channels make a pixel too small to be moved on its own. */
const fewestChannels = 8;

/**
 * By what is copied. Measured on two cores with AVX2, ms for columns, lines and pixels: 16→16 at 32, batch 128: 25, 17, 30;
 * 64→64 at 56, batch 16: 69, 58, 74; 256→256 at 14: 58, 50, 66; 64→128 at 56 with stride 2: 47, 109, 38.
 * Pointwise, columns and images: 256→64 at 56: 44, 35; 256→512 at 56 with stride 2: 85, 66; 1024→256 at 14: 32, 41.
 */
function fastestForm(dy: Value, x: Value, window: Window): "columns" | "lines" | "pixels" | "images" {
  const [, outputs, ...lengths] = dy.staticShape;
  const channels = x.staticShape[1];
  const { kernel, strides } = window;
  const taps = sizeOf(kernel);
  const along = kernel[kernel.length - 1];
  if (taps === 1) return isPointwise(window) && sizeOf(lengths) >= fewestPositions ? "images" : "columns";
  if (strides[strides.length - 1] > 1) return channels < fewestChannels ? "columns" : "pixels";
  const copiedInLines = (taps / along) * channels + along * outputs;
  return copiedInLines < taps * channels && outputs >= fewestChannels ? "lines" : "columns";
}

/** dL/dw of a pointwise convolution: one product for each image, of maps as they lie. */
function productOfImages(dy: Value, x: Value, { strides }: Window): Value {
  const [count, channels] = x.staticShape;
  const [, outputs, ...lengths] = dy.staticShape;
  const positions = sizeOf(lengths);
  const axes = lengths.map((_, i) => i + 2);
  const seen = picked(x, lengths, strides);
  const pixels = reshape(transpose(dy, { perm: [0, ...axes, 1] }), [count, positions, outputs]);
  const products = matmul(reshape(seen, [count, channels, positions]), pixels); // [N, C, O]
  const filter = transpose(reduceSum(products, [0], { keepdims: 0 }), { perm: [1, 0] });
  return reshape(filter, [outputs, channels, ...lengths.map(() => 1)]);
}

/**
 * dL/dw as one matrix product over all positions, `X[C·k, N·P] · dY[N·P, O]`: of the orientations tried
 * the fastest, and one plain transposition away from the filter. Groups are a batch of products.
 *
 * @param shape of w, [O, C/group, kh, kw]; a convolution along one axis has kw only
 */
function productOfColumns(dy: Value, x: Value, shape: readonly number[], window: Window, group: number): Value {
  const [outputs, perGroup, ...kernel] = shape;
  const [count, , ...lengths] = dy.staticShape;
  const taps = sizeOf(kernel);
  const positions = count * sizeOf(lengths);
  const columns = reshape(columnsOf(x, { lengths, window }), [group, perGroup * taps, positions]);
  const channelsLast = groupsFirst(dy, group);
  const product = matmul(columns, reshape(channelsLast, [group, positions, outputs / group])); // [G, C/G·k, O/G]
  return reshape(transpose(product, { perm: [0, 2, 1] }), shape);
}

/** [N, O, …] → [G, N, …, O/G]; one group or one channel a group takes a simpler transposition, which is faster. */
function groupsFirst(dy: Value, group: number): Value {
  const [count, outputs, ...lengths] = dy.staticShape;
  const axes = lengths.map((_, i) => i + 2);
  if (group === 1) return transpose(dy, { perm: [0, ...axes, 1] });
  if (group === outputs) return transpose(dy, { perm: [1, 0, ...axes] });
  const split = reshape(dy, [count, group, outputs / group, ...lengths]);
  return transpose(split, { perm: [1, 0, ...lengths.map((_, i) => i + 3), 2] });
}
