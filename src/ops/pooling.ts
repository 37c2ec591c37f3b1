import { sizeOf } from "../base/tensor.ts";
import { like } from "../graph/infer.ts";
import { defineOp, int, ints } from "../graph/operator.ts";
import { constantOf, type TensorType, type Value } from "../graph/value.ts";
import { div, mul } from "./arithmetic.ts";
import { argMax } from "./comparison.ts";
import { inputGradient } from "./convolution.ts";
import { scatterElements } from "./indexing.ts";
import { expand, reshape } from "./layout.ts";
import { resolveWindow, slidLengths, type Window, type WindowAttributes, windowFields } from "./window.ts";

interface PoolAttributes extends WindowAttributes {
  readonly kernel_shape: readonly number[];
  readonly ceil_mode: number;
}

/** Largest entry of each window, and (second output) its flat index in x, which the gradient adds to. */
export const maxPool = defineOp("MaxPool", {
  inputs: ["x"],
  optionalOutputs: true,
  attributes: { ...windowFields, kernel_shape: ints([]), ceil_mode: int(0), storage_order: int(0) },
  infer: ([x], attributes) => {
    const type = pooled("MaxPool", x, attributes);
    return [type, { dtype: "int64", shape: type.shape }];
  },
  vjp: ([dy], { inputs: [x], outputs: [, indices], attributes }) => {
    const window = windowOf("MaxPool", x, attributes);
    const overlapping = window.kernel.some((k, i) => (k - 1) * window.dilations[i] + 1 > window.strides[i]);
    const zeros = expand(constantOf(dy.dtype, [1], [0]), [sizeOf(x.staticShape)]);
    const flat = scatterElements(zeros, reshape(indices, [-1]), reshape(dy, [-1]), {
      reduction: overlapping ? "add" : "none",
    });
    return [reshape(flat, x.staticShape)];
  },
});

/** Mean of each window; padding counts only with `count_include_pad`. */
export const averagePool = defineOp("AveragePool", {
  inputs: ["x"],
  attributes: { ...windowFields, kernel_shape: ints([]), ceil_mode: int(0), count_include_pad: int(0) },
  infer: ([x], attributes) => [pooled("AveragePool", x, attributes)],
  vjp: ([dy], { inputs: [x], attributes }) => {
    const window = windowOf("AveragePool", x, attributes);
    const share = div(dy, windowCounts(x, dy, window, attributes.count_include_pad));
    return [spreadWindows(share, x, window)];
  },
});

/** Mean over all spatial axes, which stay with length 1. */
export const globalAveragePool = defineOp("GlobalAveragePool", {
  inputs: ["x"],
  infer: ([x]) => [{ ...like(x), shape: x.shape.map((dim, axis) => (axis < 2 ? dim : 1)) }],
  vjp: ([dy], { inputs: [x] }) => {
    const shape = x.staticShape;
    return [expand(mul(dy, 1 / sizeOf(shape.slice(2))), shape)];
  },
});

/** Largest entry over all spatial axes, which stay with length 1; the gradient goes to the first of equals. */
export const globalMaxPool = defineOp("GlobalMaxPool", {
  inputs: ["x"],
  infer: ([x]) => [{ ...like(x), shape: x.shape.map((dim, axis) => (axis < 2 ? dim : 1)) }],
  vjp: ([dy], { inputs: [x] }) => {
    const [count, channels, ...lengths] = x.staticShape;
    const maps = count * channels;
    const flat = [maps, sizeOf(lengths)];
    const places = argMax(reshape(x, flat), { axis: 1 });
    const zeros = expand(constantOf(dy.dtype, [1, 1], [0]), flat);
    return [reshape(scatterElements(zeros, places, reshape(dy, [maps, 1]), { axis: 1 }), x.staticShape)];
  },
});

function pooled(operator: string, x: Value, attributes: PoolAttributes): TensorType {
  const spatial = x.shape.slice(2);
  const window = resolveWindow(operator, attributes, attributes.kernel_shape, spatial);
  const lengths = slidLengths(operator, window, spatial, attributes.ceil_mode !== 0);
  return { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...lengths] };
}

function windowOf(operator: string, x: Value, attributes: PoolAttributes): Window {
  return resolveWindow(operator, attributes, attributes.kernel_shape, x.shape.slice(2));
}

/** How many elements each window averages, [1, 1, …]. */
function windowCounts(x: Value, dy: Value, window: Window, includePad: number): Value {
  const lengths = dy.staticShape.slice(2);
  const perAxis = lengths.map((length, i) => {
    const end = x.staticShape[i + 2];
    const limit = includePad ? end + window.padsEnd[i] : end;
    const first = includePad ? -window.padsBegin[i] : 0;
    return Array.from({ length }, (_, at) => {
      let count = 0;
      for (let tap = 0; tap < window.kernel[i]; tap++) {
        const place = at * window.strides[i] - window.padsBegin[i] + tap * window.dilations[i];
        if (place >= first && place < limit) count++;
      }
      return count;
    });
  });
  let counts = [1];
  for (const axis of perAxis) counts = counts.flatMap((count) => axis.map((other) => count * other));
  return constantOf(dy.dtype, [1, 1, ...lengths], counts);
}

/** Gives each window's share back to all its places: the input gradient of a depthwise convolution with ones. */
function spreadWindows(share: Value, x: Value, window: Window): Value {
  const channels = x.staticShape[1];
  const ones = constantOf(
    share.dtype,
    [channels, 1, ...window.kernel],
    new Array(channels * sizeOf(window.kernel)).fill(1),
  );
  return inputGradient(share, ones, x.staticShape, window, channels);
}
