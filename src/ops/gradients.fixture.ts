import { Tensor } from "../base/tensor.ts";
import { constant, type Value } from "../graph/value.ts";
import { dtypeCode } from "../onnx/dtypes.ts";
import { clip, leakyRelu, logSoftmax, relu, sigmoid, softmax, softplus, tanh } from "./activations.ts";
import { abs, add, div, exp, floor, log, mul, neg, pow, reciprocal, round, sign, sqrt, sub } from "./arithmetic.ts";
import { castOperator } from "./comparison.ts";
import { type GradientRow, row } from "./gradientRow.fixture.ts";
import { einsumRows } from "./gradientsEinsum.fixture.ts";
import { elementRows } from "./gradientsElements.fixture.ts";
import { indexingRows } from "./gradientsIndexing.fixture.ts";
import { resamplingRows } from "./gradientsResampling.fixture.ts";
import { windowRows } from "./gradientsWindows.fixture.ts";
import {
  concat,
  expand,
  flatten,
  identity,
  inferenceDropout,
  reshape,
  squeeze,
  transpose,
  unsqueeze,
} from "./layout.ts";
import { batchNormalization } from "./normalisation.ts";
import type { Range } from "./operators.fixture.ts";
import { gemm, matmul } from "./products.ts";
import { reduceMean, reduceSum } from "./reductions.ts";
import { pad, slice } from "./slicing.ts";

const positive: Range = { low: 0.5, high: 2 };
const awayFrom = (...avoid: readonly number[]): Range => ({ low: -2, high: 2, avoid });
const image = [2, 3, 5, 7];
const statistics = [[3], [3], [3], [3]];

/** Every differentiable operator has a row, or the suite fails. */
export const gradientRows: readonly GradientRow[] = [
  ...elementRows,
  ...indexingRows,
  ...windowRows,
  ...einsumRows,
  ...resamplingRows,
  row(
    "Add",
    "same shapes",
    [
      [2, 3],
      [2, 3],
    ],
    (a, b) => add(a, b),
  ),
  row("Add", "broadcasts a row, a column and a scalar", [[3], [2, 1], []], (a, b, c) => add(add(a, b), c)),
  row("Sub", "broadcasts", [[2, 3], [3]], (a, b) => sub(a, b)),
  row(
    "Mul",
    "broadcasts both ways",
    [
      [2, 1, 4],
      [3, 1],
    ],
    (a, b) => mul(a, b),
  ),
  row("Mul", "a value with itself", [[5]], (a) => mul(a, a)),
  row(
    "Div",
    "broadcasts",
    [
      [2, 3],
      [2, 1],
    ],
    (a, b) => div(a, b),
    positive,
  ),
  row("Pow", "base and exponent", [[2, 3], [3]], (a, b) => pow(a, b), positive),
  row("Pow", "a square", [[5]], (a) => pow(a, 2)),
  row("Neg", "any", [[5]], (a) => neg(a)),
  row("Abs", "away from 0", [[7]], (a) => abs(a), awayFrom(0)),
  row("Sign", "zero everywhere", [[7]], (a) => sign(a), awayFrom(0)),
  row("Round", "zero between halves", [[7]], (a) => round(a), awayFrom(-1.5, -0.5, 0.5, 1.5)),
  row("Floor", "zero between integers", [[7]], (a) => floor(a), awayFrom(-2, -1, 0, 1, 2)),
  row("Exp", "any", [[2, 3]], (a) => exp(a)),
  row("Log", "positive", [[2, 3]], (a) => log(a), positive),
  row("Sqrt", "positive", [[2, 3]], (a) => sqrt(a), positive),
  row("Reciprocal", "positive", [[2, 3]], (a) => reciprocal(a), positive),
  row("Cast", "through float64", [[4]], (a) =>
    castOperator(castOperator(a, { to: dtypeCode("float64") }), { to: dtypeCode("float32") }),
  ),
  row("Identity", "any", [[4]], (a) => identity(a)),
  row("Relu", "away from 0", [[3, 4]], (a) => relu(a), awayFrom(0)),
  row("LeakyRelu", "away from 0", [[3, 4]], (a) => leakyRelu(a, { alpha: 0.2 }), awayFrom(0)),
  row("Sigmoid", "any", [[3, 4]], (a) => sigmoid(a)),
  row("Softplus", "any", [[3, 4]], (a) => softplus(a)),
  row("Tanh", "any", [[3, 4]], (a) => tanh(a)),
  row("Clip", "both limits", [[20]], (a) => clip(a, -1, 1), awayFrom(-1, 1)),
  row("Clip", "only below", [[20]], (a) => clip(a, 0), awayFrom(0)),
  row("Clip", "only above", [[20]], (a) => clip(a, undefined, 0.5), awayFrom(0.5)),
  row("Softmax", "last axis", [[3, 5]], (a) => softmax(a)),
  row("Softmax", "a middle axis", [[2, 3, 4]], (a) => softmax(a, { axis: 1 })),
  row("LogSoftmax", "last axis", [[3, 5]], (a) => logSoftmax(a)),
  row("LogSoftmax", "a middle axis", [[2, 3, 4]], (a) => logSoftmax(a, { axis: 1 })),
  row(
    "MatMul",
    "matrices",
    [
      [3, 4],
      [4, 2],
    ],
    (a, b) => matmul(a, b),
  ),
  row(
    "MatMul",
    "broadcast batches",
    [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
    (a, b) => matmul(a, b),
  ),
  row("Gemm", "plain with bias", [[3, 4], [4, 2], [2]], (a, b, c) => gemm(a, b, c)),
  row(
    "Gemm",
    "both transposed, scaled",
    [
      [4, 3],
      [2, 4],
      [3, 1],
    ],
    (a, b, c) => gemm(a, b, c, { transA: 1, transB: 1, alpha: 0.5, beta: 2 }),
  ),
  row(
    "Gemm",
    "first transposed, no bias",
    [
      [4, 3],
      [4, 2],
    ],
    (a, b) => gemm(a, b, { transA: 1 }),
  ),
  row(
    "Gemm",
    "second transposed",
    [
      [3, 4],
      [2, 4],
    ],
    (a, b) => gemm(a, b, { transB: 1 }),
  ),
  row("Reshape", "keeps and fills lengths", [[2, 3, 4]], (a) => reshape(a, [0, -1])),
  row("Flatten", "axis 2", [[2, 3, 4]], (a) => flatten(a, { axis: 2 })),
  row("Transpose", "a cycle", [[2, 3, 4]], (a) => transpose(a, { perm: [1, 2, 0] })),
  row("Transpose", "reversed by default", [[2, 3]], (a) => transpose(a)),
  row("Squeeze", "one of two", [[2, 1, 3, 1]], (a) => squeeze(a, [1])),
  row("Unsqueeze", "front and back", [[2, 3]], (a) => unsqueeze(a, [0, -1])),
  row("Expand", "a column", [[2, 1]], (a) => expand(a, [3, 2, 4])),
  row(
    "Concat",
    "three along axis 1",
    [
      [2, 1],
      [2, 3],
      [2, 2],
    ],
    (a, b, c) => concat(a, b, c, { axis: 1 }),
  ),
  row("Slice", "steps of 2", [[3, 7]], (a) => slice(a, [1], [7], [1], [2])),
  row("Slice", "backwards by 2", [[3, 7]], (a) => slice(a, [-1, 5], [-4, 0], [0, 1], [-1, -2])),
  row("Slice", "beyond the end", [[5]], (a) => slice(a, [2], [100])),
  row("Pad", "zeros", [[2, 3]], (a) => pad(a, [1, 0, 0, 2])),
  row("Pad", "cuts off", [[4, 5]], (a) => pad(a, [-1, 0, 1, -2])),
  row("Pad", "reflects", [[2, 4]], (a) => pad(a, [0, 2, 1, 3], { mode: "reflect" })),
  row("Pad", "repeats edges", [[2, 3]], (a) => pad(a, [2, 1, 0, 1], { mode: "edge" })),
  row("Pad", "wraps", [[2, 3]], (a) => pad(a, [0, 2, 0, 1], { mode: "wrap" })),
  row("ReduceSum", "one axis, dropped", [[2, 3, 4]], (a) => reduceSum(a, [1], { keepdims: 0 })),
  row("ReduceSum", "all", [[2, 3]], (a) => reduceSum(a)),
  row("ReduceMean", "two axes, kept", [[2, 3, 4]], (a) => reduceMean(a, [0, -1])),
  row("ReduceMean", "all, dropped", [[2, 3]], (a) => reduceMean(a, { keepdims: 0 })),
  row("Dropout", "passes at inference", [[2, 3]], (a) => inferenceDropout(a)),
  row("BatchNormalization", "training", [image, [3], [3]], (x, scale, bias) =>
    batchNormalization(x, scale, bias, zeros3(), ones3(), { training_mode: 1 }),
  ),
  row(
    "BatchNormalization",
    "frozen, all five",
    [image, ...statistics],
    (x, s, b, m, v) => batchNormalization(x, s, b, m, v),
    positive,
  ),
  row("BatchNormalization", "training on rows", [[6, 3], [3], [3]], (x, scale, bias) =>
    batchNormalization(x, scale, bias, zeros3(), ones3(), { training_mode: 1 }),
  ),
];

function zeros3(): Value {
  return constant(Tensor.float32([3], [0, 0, 0]));
}

function ones3(): Value {
  return constant(Tensor.float32([3], [1, 1, 1]));
}
