import { sizeOf } from "../base/tensor.ts";
import { isZero } from "../graph/filled.ts";
import { axisOf, like, shapeError } from "../graph/infer.ts";
import { defineOp, float, int } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { add, mul, pow, reciprocal, sqrt, sub } from "./arithmetic.ts";
import { expand, reshape, reshapeLike } from "./layout.ts";
import { averagePool } from "./pooling.ts";
import { reduceMean, reduceSum } from "./reductions.ts";

/**
 * x̂ = (x − mean)/√(var + ε) over the axes from `axis` on, then scale·x̂ + bias (Ba et al. 2016, equation 4).
 * Outputs 1 and 2 are the mean and 1/√(var + ε), with length 1 on those axes.
 */
export const layerNormalization = defineOp("LayerNormalization", {
  inputs: ["x", "scale", "bias?"],
  weights: ["scale", "bias?"],
  optionalOutputs: true,
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  infer: ([x], { axis }) => {
    const from = axisOf("LayerNormalization", axis, x.rank);
    const statistic = { dtype: x.dtype, shape: x.shape.map((dim, i) => (i < from ? dim : 1)) };
    return [like(x), statistic, statistic];
  },
  vjp: ([dy, dMean, dInverse], { inputs: [x, scale], attributes: { axis, epsilon } }) => {
    const from = axisOf("LayerNormalization", axis, x.rank);
    const axes = [...x.shape.keys()].filter((i) => i >= from);
    const { normalised, inverse } = normalise(x, axes, epsilon);
    const count = sizeOf(x.staticShape.slice(from));
    let dx = pulledBack(mul(dy, scale), normalised, inverse, axes);
    // d mean/dx = 1/n, and d(1/σ)/dx = −x̂/(n·σ²).
    if (!isZero(dMean)) dx = add(dx, mul(dMean, 1 / count));
    if (!isZero(dInverse)) dx = sub(dx, mul(mul(mul(dInverse, mul(inverse, inverse)), normalised), 1 / count));
    // The sweep sums both to the shapes of scale and bias.
    return [dx, mul(dy, normalised), dy];
  },
});

/** The same over the spatial axes of each image and channel (Ulyanov et al. 2016, equation 8). */
export const instanceNormalization = defineOp("InstanceNormalization", {
  inputs: ["x", "scale", "bias"],
  weights: ["scale", "bias"],
  attributes: { epsilon: float(1e-5) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x, scale], attributes: { epsilon } }) => {
    const axes = [...x.shape.keys()].slice(2);
    const ones = axes.map(() => 1);
    const { normalised, inverse } = normalise(x, axes, epsilon);
    return [
      pulledBack(mul(dy, reshape(scale, [1, -1, ...ones])), normalised, inverse, axes),
      reduceSum(mul(dy, normalised), [0, ...axes], { keepdims: 0 }),
      reduceSum(dy, [0, ...axes], { keepdims: 0 }),
    ];
  },
});

/**
 * Group normalisation (Wu & He 2018, equation 7) of x [N, C, …] from other operators, with scale and bias per channel, [C],
 * or per group, [groups]. Throws `shape` when the channels do not divide into the groups.
 */
export function groupNormalization(
  x: Value,
  scale: Value,
  bias: Value,
  { groups, epsilon = 1e-5 }: { readonly groups: number; readonly epsilon?: number },
): Value {
  const channels = x.shape[1];
  if (typeof channels !== "number" || groups < 1 || channels % groups !== 0)
    throw shapeError("GroupNormalization", `${channels} channels do not divide into ${groups} groups`);
  const { normalised } = normalise(reshape(x, [0, groups, -1]), [2], epsilon); // [N, G, C/G·…]
  const perChannel = (statistic: Value) => {
    const isPerGroup = statistic.shape[0] === groups && groups < channels;
    const each = isPerGroup ? expand(reshape(statistic, [groups, 1]), [groups, channels / groups]) : statistic;
    return reshape(each, [channels, ...x.shape.slice(2).map(() => 1)]);
  };
  return add(mul(reshapeLike(normalised, x), perChannel(scale)), perChannel(bias));
}

/** Local response normalisation over `size` channels: x / s^beta, s = bias + alpha/size · Σ x² (Krizhevsky et al. 2012, §3.3). */
export const lrn = defineOp("LRN", {
  inputs: ["x"],
  attributes: { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: int(1) },
  infer: ([x], { size }) => {
    // The runtime's own limits.
    if (x.rank !== 4) throw shapeError("LRN", `[${x.shape}] is not [N, C, H, W]`);
    if (size % 2 !== 1) throw shapeError("LRN", `size ${size} must be odd`);
    return [like(x)];
  },
  vjp: ([dy], { inputs: [x], attributes: { alpha, beta, bias, size } }) => {
    const s = add(mul(meanOverChannels(mul(x, x), size), alpha), bias);
    const direct = mul(dy, pow(s, -beta));
    // Each x counts in the sums of its neighbours: the same window, which is symmetric.
    const shared = meanOverChannels(mul(mul(direct, x), reciprocal(s)), size);
    return [sub(direct, mul(mul(x, shared), 2 * alpha * beta))];
  },
});

function normalise(x: Value, axes: readonly number[], epsilon: number) {
  const centred = sub(x, reduceMean(x, axes, { keepdims: 1 }));
  const variance = reduceMean(mul(centred, centred), axes, { keepdims: 1 });
  const inverse = reciprocal(sqrt(add(variance, epsilon)));
  return { normalised: mul(centred, inverse), inverse };
}

/** dx = 1/σ · (g − mean(g) − x̂·mean(g·x̂)). */
function pulledBack(g: Value, normalised: Value, inverse: Value, axes: readonly number[]): Value {
  const projection = reduceMean(mul(g, normalised), axes, { keepdims: 1 });
  const mean = reduceMean(g, axes, { keepdims: 1 });
  return mul(sub(sub(g, mean), mul(normalised, projection)), inverse);
}

/** The mean of x over `size` neighbouring channels, an odd number; zeros beyond the ends count. */
function meanOverChannels(x: Value, size: number): Value {
  const [count, channels] = x.staticShape;
  const columns = reshape(x, [count, 1, channels, -1]);
  const reach = (size - 1) / 2;
  const window = { kernel_shape: [size, 1], pads: [reach, 0, reach, 0], count_include_pad: 1 };
  return reshape(averagePool(columns, window), x.staticShape);
}
