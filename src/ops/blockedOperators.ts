import { defineOp, floats, int, ints, text } from "../graph/operator.ts";
import type { Node, Value } from "../graph/value.ts";
import { reshape } from "./layout.ts";
import { resolveWindow, slidLengths, windowFields } from "./window.ts";

/**
 * ONNX Runtime's internal operators on feature maps in blocked layout, [N, C/b, H, W, b] in memory, which its own optimiser
 * writes for constant filters (onnxruntime/core/graph/contrib_ops/nchwc_schema_defs.cc). Shapes are stated as [N, C, H, W];
 * b channels make a block, and C is a multiple of b.
 */

/** [N, C, H, W] → blocked. */
export const reorderInput = defineOp("com.microsoft.nchwc::ReorderInput", {
  inputs: ["x"],
  attributes: { channels_last: int(0) },
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
});

/** Blocked → [N, C, H, W], or [N, H, W, C] with `channels_last`. */
export const reorderOutput = defineOp("com.microsoft.nchwc::ReorderOutput", {
  inputs: ["x"],
  attributes: { channels: int<number | undefined>(undefined), channels_last: int(0) },
  infer: ([x], { channels_last }) => {
    const [count, channels, height, width] = x.shape;
    return [{ dtype: x.dtype, shape: channels_last ? [count, height, width, channels] : x.shape }];
  },
});

/** act(x ∗ w + b + sum) on blocked maps; w is blocked too, see `blockedFilter`, and `filters` long in its first two axes together. */
export const blockedConv = defineOp("com.microsoft.nchwc::Conv", {
  inputs: ["x", "w", "b?", "sum?"],
  attributes: {
    ...windowFields,
    group: int(1),
    kernel_shape: ints<readonly number[]>([]),
    activation: text<string | undefined>(undefined),
    activation_params: floats<readonly number[] | undefined>(undefined),
  },
  infer: ([x, w], attributes) => {
    const spatial = x.shape.slice(2);
    const window = resolveWindow("Conv", attributes, attributes.kernel_shape, spatial);
    return [{ dtype: x.dtype, shape: [x.shape[0], w.shape[0], ...slidLengths("Conv", window, spatial)] }];
  },
});

/** Whether a node is such a convolution with one number per channel: an elementwise operator in all but its name. */
export function isPerChannel({ operator, inputs: [x], attributes }: Node): boolean {
  if (operator !== blockedConv.operator || attributes["group"] !== x?.shape[1]) return false;
  return String(attributes["kernel_shape"]) === "1,1" && String(attributes["strides"] ?? "1,1") === "1,1";
}

/** Mean over both spatial axes: [N, C, 1, 1], where both layouts are one. */
export const blockedGlobalAveragePool = defineOp("com.microsoft.nchwc::GlobalAveragePool", {
  inputs: ["x"],
  infer: ([x]) => [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], 1, 1] }],
});

/**
 * Σ a·b over the positions of each channel of each image, [N, C, 1, 1]: b as the filter of a depthwise convolution that fits once.
 *
 * @param a blocked, as b
 */
export function blockedInnerProducts(a: Value, b: Value): Value {
  const [count, channels, ...lengths] = a.staticShape;
  const joined = count * channels;
  const filter = reshape(b, [joined, 1, ...lengths]);
  const sums = blockedConv(reshape(a, [1, joined, ...lengths]), filter, { kernel_shape: lengths, group: joined });
  return reshape(sums, [count, channels, 1, 1]);
}

/** The layout in memory, as a shape that other operators understand: [N, C/b, H, W, b]. */
export function blockView([count, channels, height, width]: readonly number[], block: number): readonly number[] {
  return [count, channels / block, height, width, block];
}

/** Whether `x` has the rank and channels of a blocked map. */
export function canBeBlocked(x: Value, block: number): boolean {
  const channels = x.rank === 4 ? x.shape[1] : undefined;
  return typeof channels === "number" && channels % block === 0 && x.dtype === "float32";
}
