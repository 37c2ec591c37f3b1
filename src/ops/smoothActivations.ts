import { broadcast, like } from "../graph/infer.ts";
import { defineOp, float, text } from "../graph/operator.ts";
import { scalar, type Value } from "../graph/value.ts";
import { hardSigmoid, isPositive, sigmoid, softplus, tanh } from "./activations.ts";
import { abs, add, exp, min, mul, reciprocal, sub } from "./arithmetic.ts";
import { cast, greater } from "./comparison.ts";
import { where } from "./selection.ts";

/** x where x > 0, else alpha·(e^x − 1). d/dx = 1, or y + alpha. */
export const elu = defineOp("Elu", {
  elementwise: true,
  inputs: ["x"],
  attributes: { alpha: float(1) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y], attributes: { alpha } }) => [
    mul(dy, where(greater(y, 0), scalar(1, y.dtype), add(y, alpha))),
  ],
});

/** max(0, x) + min(0, alpha·(e^(x/alpha) − 1)) (Barron 2017). d/dx = 1, or y/alpha + 1. */
export const celu = defineOp("Celu", {
  elementwise: true,
  inputs: ["x"],
  attributes: { alpha: float(1) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y], attributes: { alpha } }) => [
    mul(dy, where(greater(y, 0), scalar(1, y.dtype), add(mul(y, 1 / alpha), 1))),
  ],
});

/** gamma·x where x > 0, else gamma·alpha·(e^x − 1) (Klambauer et al. 2017). d/dx = gamma, or y + gamma·alpha. */
export const selu = defineOp("Selu", {
  elementwise: true,
  inputs: ["x"],
  attributes: { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { outputs: [y], attributes: { alpha, gamma } }) => [
    mul(dy, where(greater(y, 0), scalar(gamma, y.dtype), add(y, gamma * alpha))),
  ],
});

/** The Gauss error function. d/dx = 2/√π · e^(−x²). */
export const erf = defineOp("Erf", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => [mul(dy, mul(exp(mul(mul(x, x), -1)), 2 / Math.sqrt(Math.PI)))],
});

/** x·Φ(x) (Hendrycks & Gimpel 2016), with Φ exact or, `approximate` = "tanh", by equation 2's tanh. */
export const gelu = defineOp("Gelu", {
  elementwise: true,
  inputs: ["x"],
  attributes: { approximate: text("none") },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x], attributes: { approximate } }) => [
    mul(dy, approximate === "tanh" ? tanhGeluSlope(x) : geluSlope(x)),
  ],
});

/** Φ(x) + x·φ(x). */
function geluSlope(x: Value): Value {
  const cumulative = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(cumulative, mul(x, density));
}

/** With t = tanh(u), u = √(2/π)·(x + 0.044715·x³): ½(1 + t) + ½·x·(1 − t²)·du/dx. */
function tanhGeluSlope(x: Value): Value {
  const factor = Math.sqrt(2 / Math.PI);
  const square = mul(x, x);
  const t = tanh(mul(x, add(mul(square, 0.044715 * factor), factor)));
  const inner = add(mul(square, 3 * 0.044715 * factor), factor);
  return mul(add(add(t, 1), mul(mul(x, sub(1, mul(t, t))), inner)), 0.5);
}

/** x·hardSigmoid(x) with slope 1/6 (Howard et al. 2019). d/dx = h + x/6 where 0 < h < 1, else h. */
export const hardSwish = defineOp("HardSwish", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => {
    const gate = hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 });
    const inside = isPositive(mul(gate, sub(1, gate)));
    return [mul(dy, add(gate, mul(inside, mul(x, 1 / 6))))];
  },
});

/** x·sigmoid(x) (Elfwing et al. 2017; "Swish" in Ramachandran et al. 2017). No operator of ONNX. */
export function silu(x: Value): Value {
  return mul(x, sigmoid(x));
}

/** x·tanh(softplus(x)) (Misra 2019). With t the tanh: d/dx = t + x·(1 − t²)·sigmoid(x). */
export const mish = defineOp("Mish", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => {
    const t = tanh(softplus(x));
    return [mul(dy, add(t, mul(mul(x, sigmoid(x)), sub(1, mul(t, t)))))];
  },
});

/** x where x > 0, else slope·x, the slope learned (He et al. 2015). dslope = Σ dy·min(x, 0). */
export const prelu = defineOp("PRelu", {
  inputs: ["x", "slope"],
  weights: ["slope"],
  infer: ([x, slope]) => [broadcast("PRelu", x, slope)],
  vjp: ([dy], { inputs: [x, slope] }) => [mul(dy, where(greater(x, 0), scalar(1, x.dtype), slope)), mul(dy, min(x, 0))],
});

/** x / (1 + |x|). d/dx = 1/(1 + |x|)². */
export const softsign = defineOp("Softsign", {
  elementwise: true,
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x] }) => {
    const inverse = reciprocal(add(abs(x), 1));
    return [mul(dy, mul(inverse, inverse))];
  },
});

/** x where x > alpha, else 0. */
export const thresholdedRelu = defineOp("ThresholdedRelu", {
  elementwise: true,
  inputs: ["x"],
  attributes: { alpha: float(1) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [x], attributes: { alpha } }) => [mul(dy, cast(greater(x, alpha), x.dtype))],
});
