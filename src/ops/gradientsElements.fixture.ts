import { scalar, type Value } from "../graph/value.ts";
import { hardSigmoid } from "./activations.ts";
import { add, ceil, cos, max, min, mod, mul, sin } from "./arithmetic.ts";
import { greater } from "./comparison.ts";
import { type GradientRow, row } from "./gradientRow.fixture.ts";
import { groupNormalization, instanceNormalization, layerNormalization, lrn } from "./layerNormalisation.ts";
import type { Range } from "./operators.fixture.ts";
import {
  cumSum,
  reduceL1,
  reduceL2,
  reduceLogSum,
  reduceLogSumExp,
  reduceMax,
  reduceMin,
  reduceProd,
  reduceSumSquare,
} from "./reductions.ts";
import { where } from "./selection.ts";
import { celu, elu, erf, gelu, hardSwish, mish, prelu, selu, softsign, thresholdedRelu } from "./smoothActivations.ts";

const awayFrom = (...avoid: readonly number[]): Range => ({ low: -4, high: 4, avoid });
const positive: Range = { low: 0.5, high: 2 };
const each = (operator: string, build: (a: Value) => Value, range?: Range): GradientRow[] => [
  row(operator, "a vector", [[17]], build, range),
  row(operator, "maps", [[2, 3, 2, 3]], build, range),
];

/** Activations, reductions and normalisations beyond the first ones. */
export const elementRows: readonly GradientRow[] = [
  ...each("Elu", (a) => elu(a, { alpha: 0.7 }), awayFrom(0)),
  ...each("Celu", (a) => celu(a, { alpha: 1.5 }), awayFrom(0)),
  ...each("Selu", (a) => selu(a), awayFrom(0)),
  ...each("Erf", (a) => erf(a)),
  ...each("Gelu", (a) => gelu(a)),
  ...each("Gelu", (a) => gelu(a, { approximate: "tanh" })),
  ...each("HardSigmoid", (a) => hardSigmoid(a), awayFrom(-2.5, 2.5)),
  ...each("HardSwish", (a) => hardSwish(a), awayFrom(-3, 3)),
  ...each("Mish", (a) => mish(a)),
  ...each("Softsign", (a) => softsign(a), awayFrom(0)),
  ...each("ThresholdedRelu", (a) => thresholdedRelu(a, { alpha: 0.5 }), awayFrom(0.5)),
  ...each("Sin", (a) => sin(a)),
  ...each("Cos", (a) => cos(a)),
  ...each("Ceil", (a) => ceil(a), awayFrom(-4, -3, -2, -1, 0, 1, 2, 3, 4)),
  row(
    "PRelu",
    "a slope for each channel",
    [
      [2, 3, 4],
      [3, 1],
    ],
    (a, slope) => prelu(a, slope),
    awayFrom(0),
  ),
  row("Max", "of three", [[4, 3], [3], [4, 1]], (a, b, c) => max(a, b, c)),
  row("Min", "of one", [[5]], (a) => min(a)),
  row("Max", "broadcasts", [[4, 3], [3]], (a, b) => max(a, b)),
  row(
    "Min",
    "broadcasts",
    [
      [4, 3],
      [4, 1],
    ],
    (a, b) => min(a, b),
  ),
  row("Where", "both branches, broadcast", [[4, 3], [3], [4, 1]], (c, a, b) => where(greater(c, 0), a, b), awayFrom(0)),
  row("ReduceMax", "one axis", [[3, 5]], (a) => reduceMax(a, [1], { keepdims: 0 })),
  row("ReduceMax", "all", [[3, 5]], (a) => reduceMax(a, { keepdims: 0 })),
  row("ReduceMin", "two axes, kept", [[2, 3, 4]], (a) => reduceMin(a, [0, 2])),
  row("ReduceL1", "one axis", [[3, 5]], (a) => reduceL1(a, [0], { keepdims: 0 }), awayFrom(0)),
  row("ReduceL2", "one axis", [[3, 5]], (a) => reduceL2(a, [1], { keepdims: 0 })),
  row("ReduceSumSquare", "all", [[3, 5]], (a) => reduceSumSquare(a)),
  row("ReduceLogSum", "one axis, dropped", [[3, 5]], (a) => reduceLogSum(a, [0], { keepdims: 0 }), positive),
  row("ReduceLogSum", "all", [[2, 3]], (a) => reduceLogSum(a), positive),
  row("ReduceProd", "two axes", [[2, 3, 2]], (a) => reduceProd(a, [0, 2]), awayFrom(0)),
  row("ReduceProd", "all, dropped", [[5]], (a) => reduceProd(a, { keepdims: 0 }), positive),
  row("CumSum", "first axis", [[5, 3]], (a) => cumSum(a, scalar(0, "int64"))),
  row("CumSum", "last axis, from the end, exclusive", [[2, 7]], (a) =>
    cumSum(a, scalar(-1, "int64"), { exclusive: 1, reverse: 1 }),
  ),
  row("Mod", "of a fixed divisor", [[9]], (a) => mod(a, 1.5, { fmod: 1 }), awayFrom(-3, -1.5, 0, 1.5, 3)),
  row("Mod", "of a moving divisor", [[4, 1], [3]], (a, b) => mod(add(a, 4.5), b, { fmod: 1 }), {
    low: 1.05,
    high: 1.1,
  }),
  row("ReduceLogSumExp", "one axis", [[3, 5]], (a) => reduceLogSumExp(a, [1])),
  row("LayerNormalization", "last axis", [[3, 5], [5], [5]], (x, s, b) => layerNormalization(x, s, b)),
  row(
    "LayerNormalization",
    "two axes, no bias",
    [
      [3, 2, 4],
      [2, 4],
    ],
    (x, s) => layerNormalization(x, s, { axis: 1 }),
  ),
  row("LayerNormalization", "the mean alone", [[3, 5], [5]], (x, s) => layerNormalization.outputs(x, s)[1]),
  row(
    "LayerNormalization",
    "the inverse deviation alone",
    [[3, 5], [5]],
    (x, s) => layerNormalization.outputs(x, s)[2],
  ),
  row(
    "LayerNormalization",
    "all three outputs",
    [
      [3, 2, 4],
      [2, 4],
      [2, 4],
    ],
    (x, s, b) => {
      const [y, mean, inverse] = layerNormalization.outputs(x, s, b, { axis: 1 });
      return add(mul(y, inverse), mul(mean, 2));
    },
  ),
  row("InstanceNormalization", "maps", [[2, 3, 4, 5], [3], [3]], (x, s, b) => instanceNormalization(x, s, b)),
  row("InstanceNormalization", "rows", [[2, 3, 7], [3], [3]], (x, s, b) => instanceNormalization(x, s, b)),
  row("GroupNormalization", "as other operators", [[2, 6, 3, 2], [6], [6]], (x, s, b) =>
    groupNormalization(x, s, b, { groups: 3 }),
  ),
  row("LRN", "an odd window", [[2, 5, 2, 3]], (a) => lrn(a, { size: 3, alpha: 0.5, beta: 0.75 })),
  row("LRN", "a wide window", [[1, 6, 3, 1]], (a) => lrn(a, { size: 5, alpha: 0.5, bias: 2 })),
];
