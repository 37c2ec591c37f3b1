import { GraftError } from "../base/errors.ts";
import { sizeOf } from "../base/tensor.ts";
import { isZero } from "../graph/filled.ts";
import { like, shapeError } from "../graph/infer.ts";
import { defineOp, float, int } from "../graph/operator.ts";
import { rewrite } from "../graph/rewrite.ts";
import type { Value } from "../graph/value.ts";
import { add, div, mul, reciprocal, sqrt, sub } from "./arithmetic.ts";
import { reshape } from "./layout.ts";
import { reduceMean, reduceSum } from "./reductions.ts";

/**
 * Batch normalisation over axis 1 (Ioffe & Szegedy 2015, algorithm 1): y = scale·x̂ + bias, x̂ = (x − mean)/√(var + ε).
 * In training mode mean and variance are the batch's (population variance), and outputs 1 and 2 are the running statistics,
 * momentum·old + (1 − momentum)·batch; otherwise the given statistics are used, and may themselves be differentiated.
 */
export const batchNormalization = defineOp("BatchNormalization", {
  inputs: ["x", "scale", "bias", "mean", "variance"],
  weights: ["scale", "bias"],
  statistics: ["mean", "variance"],
  attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(0) },
  infer: ([x, scale, ...rest], { training_mode }) => {
    const channels = x.shape[1];
    for (const operand of [scale, ...rest]) {
      if (operand.rank !== 1 || (operand.shape[0] !== channels && typeof channels === "number")) {
        throw shapeError(
          "BatchNormalization",
          `data have ${channels} channels, a statistic has shape [${operand.shape}]`,
        );
      }
    }
    return training_mode ? [like(x), like(rest[1]), like(rest[2])] : [like(x)];
  },
  vjp: ([dy, ...statistics], { inputs: [x, scale, , mean, variance], attributes }) => {
    if (!statistics.every(isZero))
      throw new GraftError("model", "the running statistics that BatchNormalization gives have no gradient.");
    return attributes.training_mode
      ? trainingGradient(dy, x, scale, attributes.epsilon)
      : frozenGradient(dy, x, scale, mean, variance, attributes.epsilon);
  },
});

/**
 * Algorithm 1's chain rule, dx = scale/σ · (dy − mean(dy) − x̂·mean(dy·x̂)), written as a·dy + b·(x − mean) + c
 * with one a, b and c per channel: four passes over the maps.
 */
function trainingGradient(dy: Value, x: Value, scale: Value, epsilon: number): (Value | undefined)[] {
  const axes = otherAxes(x);
  const { centred, inverse } = centre(x, epsilon);
  const dBias = reduceSum(dy, axes, { keepdims: 1 });
  const projection = reduceSum(mul(dy, centred), axes, { keepdims: 1 });
  const perChannel = sizeOf(x.staticShape) / x.staticShape[1];
  const a = mul(perAxis(scale, x), inverse);
  const b = mul(mul(mul(inverse, inverse), mul(projection, a)), -1 / perChannel);
  const c = mul(mul(a, dBias), -1 / perChannel);
  const dx = add(add(mul(dy, a), c), mul(centred, b));
  return [dx, reshape(mul(projection, inverse), [-1]), reshape(dBias, [-1]), undefined, undefined];
}

/** x − mean and 1/√(var + ε) of a batch, per channel. */
function centre(x: Value, epsilon: number) {
  const axes = otherAxes(x);
  const mean = reduceMean(x, axes, { keepdims: 1 });
  const centred = sub(x, mean);
  const variance = reduceMean(mul(centred, centred), axes, { keepdims: 1 });
  return { mean, centred, variance, inverse: reciprocal(sqrt(add(variance, epsilon))) };
}

/**
 * The same graph with training batch normalisation as the operators that it stands for: they run on all threads, in any
 * layout, and share what the gradient computes again.
 */
export function openBatchNorm(outputs: readonly Value[]): readonly Value[] {
  return rewrite(outputs, (node, [x, scale, bias, oldMean, oldVariance]) => {
    const { epsilon, momentum, training_mode } = node.attributes;
    if (node.operator !== batchNormalization.operator || training_mode !== 1) return undefined;
    if (!x || !scale || !bias || !oldMean || !oldVariance) return undefined;
    const { mean, centred, variance, inverse } = centre(x, Number(epsilon));
    const y = add(mul(centred, mul(perAxis(scale, x), inverse)), perAxis(bias, x));
    const moved = (old: Value, fresh: Value) =>
      add(mul(old, Number(momentum)), mul(reshape(fresh, [-1]), 1 - Number(momentum)));
    return [y, moved(oldMean, mean), moved(oldVariance, variance)];
  });
}

/** With fixed statistics the operator is affine: dx = dy·scale/σ, dmean = −Σ dx, dvar = −½·Σ dx·(x − mean)/(var + ε). */
function frozenGradient(dy: Value, x: Value, scale: Value, mean: Value, variance: Value, epsilon: number): Value[] {
  const axes = otherAxes(x);
  const shifted = add(perAxis(variance, x), epsilon);
  const inverse = reciprocal(sqrt(shifted));
  const centred = sub(x, perAxis(mean, x));
  const dx = mul(dy, mul(perAxis(scale, x), inverse));
  return [
    dx,
    reduceSum(mul(dy, mul(centred, inverse)), axes, { keepdims: 0 }),
    reduceSum(dy, axes, { keepdims: 0 }),
    mul(reduceSum(dx, axes, { keepdims: 0 }), -1),
    reduceSum(mul(div(mul(dx, centred), shifted), -0.5), axes, { keepdims: 0 }),
  ];
}

function otherAxes(x: Value): readonly number[] {
  return [...x.shape.keys()].filter((axis) => axis !== 1);
}

/** [C] → [1, C, 1, …], to broadcast against x. */
function perAxis(statistic: Value, x: Value): Value {
  return reshape(statistic, [1, -1, ...new Array<number>(x.rank - 2).fill(1)]);
}
