import { conv, convTranspose } from "./convolution.ts";
import { type GradientRow, row } from "./gradientRow.fixture.ts";
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from "./pooling.ts";

const image = [2, 3, 5, 7];

/** Convolution and pooling. */
export const windowRows: readonly GradientRow[] = [
  row("Conv", "3×3, same", [image, [4, 3, 3, 3], [4]], (x, w, b) => conv(x, w, b, { pads: [1, 1, 1, 1] })),
  row("Conv", "3×3, valid", [image, [4, 3, 3, 3]], (x, w) => conv(x, w)),
  row("Conv", "3×3, stride 2, odd sizes", [image, [4, 3, 3, 3]], (x, w) =>
    conv(x, w, { strides: [2, 2], pads: [1, 1, 1, 1] }),
  ),
  row(
    "Conv",
    "stride 2 leaves a column over",
    [
      [2, 3, 6, 8],
      [2, 3, 3, 3],
    ],
    (x, w) => conv(x, w, { strides: [2, 2] }),
  ),
  row(
    "Conv",
    "stride 3, asymmetric pads",
    [
      [1, 2, 8, 9],
      [3, 2, 2, 3],
    ],
    (x, w) => conv(x, w, { strides: [3, 2], pads: [0, 1, 1, 2] }),
  ),
  row(
    "Conv",
    "dilated",
    [
      [1, 2, 7, 9],
      [3, 2, 3, 3],
    ],
    (x, w) => conv(x, w, { dilations: [2, 3], pads: [1, 2, 3, 1] }),
  ),
  row(
    "Conv",
    "dilated and strided",
    [
      [1, 2, 9, 9],
      [3, 2, 3, 3],
    ],
    (x, w) => conv(x, w, { dilations: [2, 2], strides: [2, 2] }),
  ),
  row("Conv", "two groups", [[2, 4, 5, 5], [6, 2, 3, 3], [6]], (x, w, b) =>
    conv(x, w, b, { group: 2, pads: [1, 1, 1, 1] }),
  ),
  row("Conv", "depthwise", [image, [3, 1, 3, 3]], (x, w) => conv(x, w, { group: 3, pads: [1, 1, 1, 1] })),
  row("Conv", "depthwise, two each, stride 2", [image, [6, 1, 3, 3]], (x, w) =>
    conv(x, w, { group: 3, strides: [2, 2] }),
  ),
  row("Conv", "1×1", [image, [4, 3, 1, 1]], (x, w) => conv(x, w)),
  row("Conv", "1×1, stride 2", [image, [4, 3, 1, 1]], (x, w) => conv(x, w, { strides: [2, 2] })),
  row(
    "Conv",
    "auto_pad SAME_UPPER, stride 2",
    [
      [1, 2, 5, 6],
      [3, 2, 3, 3],
    ],
    (x, w) => conv(x, w, { auto_pad: "SAME_UPPER", strides: [2, 2] }),
  ),
  row(
    "Conv",
    "one spatial axis",
    [
      [2, 3, 9],
      [4, 3, 3],
    ],
    (x, w) => conv(x, w, { pads: [1, 0] }),
  ),
  row("MaxPool", "2×2", [[2, 2, 4, 6]], (x) => maxPool(x, { kernel_shape: [2, 2], strides: [2, 2] })),
  row("MaxPool", "3×3 overlapping, padded", [image], (x) =>
    maxPool(x, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  ),
  row("MaxPool", "ceil mode", [[1, 2, 5, 6]], (x) =>
    maxPool(x, { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
  ),
  row("AveragePool", "2×2", [[2, 2, 4, 6]], (x) => averagePool(x, { kernel_shape: [2, 2], strides: [2, 2] })),
  row("AveragePool", "padding not counted", [image], (x) =>
    averagePool(x, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  ),
  row("AveragePool", "padding counted", [image], (x) =>
    averagePool(x, { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 0, 1, 1], count_include_pad: 1 }),
  ),
  row("GlobalAveragePool", "odd map", [image], (x) => globalAveragePool(x)),
  row("Conv", "auto_pad SAME_LOWER, even kernel", [image, [4, 3, 2, 4]], (x, w) =>
    conv(x, w, { auto_pad: "SAME_LOWER", strides: [1, 2] }),
  ),
  row("Conv", "auto_pad VALID, groups, dilated, stride over", [[1, 4, 9, 8], [6, 2, 2, 3], [6]], (x, w, b) =>
    conv(x, w, b, { auto_pad: "VALID", group: 2, dilations: [2, 1], strides: [3, 2] }),
  ),
  row("Conv", "three spatial axes, asymmetric", [[1, 2, 4, 5, 3], [3, 2, 2, 3, 2], [3]], (x, w, b) =>
    conv(x, w, b, { pads: [1, 0, 0, 0, 2, 1], strides: [2, 1, 1] }),
  ),
  row("ConvTranspose", "3×3 with bias", [image, [3, 4, 3, 3], [4]], (x, w, b) => convTranspose(x, w, b)),
  row("ConvTranspose", "stride 2, pads, output padding", [image, [3, 4, 3, 4], [4]], (x, w, b) =>
    convTranspose(x, w, b, { strides: [2, 2], pads: [1, 1, 0, 2], output_padding: [1, 0] }),
  ),
  row("ConvTranspose", "groups, dilated", [[1, 4, 3, 5], [4, 3, 2, 3], [6]], (x, w, b) =>
    convTranspose(x, w, b, { group: 2, dilations: [2, 1], strides: [1, 3] }),
  ),
  row("ConvTranspose", "depthwise", [image, [3, 1, 3, 2]], (x, w) =>
    convTranspose(x, w, { group: 3, strides: [2, 1], pads: [1, 0, 1, 1] }),
  ),
  row(
    "ConvTranspose",
    "auto_pad SAME_UPPER",
    [
      [1, 2, 3, 4],
      [2, 3, 4, 3],
    ],
    (x, w) => convTranspose(x, w, { auto_pad: "SAME_UPPER", strides: [1, 2] }),
  ),
  row(
    "ConvTranspose",
    "auto_pad SAME_LOWER",
    [
      [1, 2, 3, 4],
      [2, 3, 4, 3],
    ],
    (x, w) => convTranspose(x, w, { auto_pad: "SAME_LOWER", strides: [1, 2] }),
  ),
  row(
    "ConvTranspose",
    "auto_pad VALID, one axis",
    [
      [2, 3, 5],
      [3, 2, 3],
    ],
    (x, w) => convTranspose(x, w, { auto_pad: "VALID", strides: [2] }),
  ),
  row("MaxPool", "auto_pad SAME_UPPER", [image], (x) =>
    maxPool(x, { kernel_shape: [2, 3], strides: [2, 2], auto_pad: "SAME_UPPER" }),
  ),
  row("MaxPool", "auto_pad SAME_LOWER, even kernel", [image], (x) =>
    maxPool(x, { kernel_shape: [2, 4], strides: [1, 3], auto_pad: "SAME_LOWER" }),
  ),
  row("MaxPool", "dilated, ceil mode, padded", [[1, 2, 8, 9]], (x) =>
    maxPool(x, { kernel_shape: [2, 3], dilations: [2, 2], strides: [3, 2], pads: [1, 1, 0, 1], ceil_mode: 1 }),
  ),
  row("MaxPool", "one axis", [[2, 3, 9]], (x) => maxPool(x, { kernel_shape: [4], strides: [2], pads: [1, 2] })),
  row("AveragePool", "ceil mode, padded", [[1, 2, 6, 9]], (x) =>
    averagePool(x, { kernel_shape: [3, 2], strides: [2, 3], pads: [1, 0, 0, 1], ceil_mode: 1 }),
  ),
  row("AveragePool", "ceil mode, padding counted", [[1, 2, 6, 9]], (x) =>
    averagePool(x, { kernel_shape: [3, 2], strides: [2, 3], pads: [1, 0, 0, 1], ceil_mode: 1, count_include_pad: 1 }),
  ),
  row("AveragePool", "auto_pad SAME_UPPER", [image], (x) =>
    averagePool(x, { kernel_shape: [2, 3], strides: [2, 2], auto_pad: "SAME_UPPER" }),
  ),
  row("AveragePool", "auto_pad SAME_LOWER, padding counted", [image], (x) =>
    averagePool(x, { kernel_shape: [2, 4], strides: [1, 3], auto_pad: "SAME_LOWER", count_include_pad: 1 }),
  ),
  row("AveragePool", "dilated", [image], (x) => averagePool(x, { kernel_shape: [2, 3], dilations: [3, 2] })),
  row("GlobalMaxPool", "odd map", [image], (x) => globalMaxPool(x)),
  row("GlobalMaxPool", "one axis", [[2, 3, 9]], (x) => globalMaxPool(x)),
];
