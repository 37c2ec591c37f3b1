/**
 * The operators that a loss of one's own is written with, named after ONNX's: elementwise ones broadcast, numbers stand for scalars
 * and lists for axes. Each writes a node; comparisons and indices have no gradient. All else in this room is internal.
 */

export { constantOf, scalar } from "../graph/value.ts";
export { clip, leakyRelu, logSoftmax, relu, sigmoid, softmax, softplus, tanh } from "./activations.ts";
export { abs, add, div, exp, log, max, min, mul, neg, pow, reciprocal, sign, sqrt, sub } from "./arithmetic.ts";
export {
  and,
  argMax,
  argMin,
  cast,
  equal,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  or,
} from "./comparison.ts";
export { reverseGradient, stopGradient } from "./gradientControl.ts";
export { gather, gatherElements } from "./indexing.ts";
export { concat, expand, flatten, reshape, squeeze, transpose, unsqueeze } from "./layout.ts";
export { oneHot } from "./oneHot.ts";
export { matmul } from "./products.ts";
export { reduceL1, reduceL2, reduceLogSumExp, reduceMax, reduceMean, reduceMin, reduceSum } from "./reductions.ts";
export { not, where } from "./selection.ts";
export { slice } from "./slicing.ts";
