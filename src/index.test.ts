import { describe, expect, it } from "vitest";
import {
  activate,
  classTargets,
  dense,
  input,
  type Loss,
  lossAt,
  type Model,
  meanSquaredError,
  model,
  multiTaskLoss,
  ops,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  Tensor,
  taskUncertainty,
  valueTargets,
  weightedSum,
} from "./index.ts";

const gamma = 2;

/** −(1 − p)^γ · ln p of the true class (Lin et al. 2017, equation 4), as a user would write it. */
const focal: Loss = {
  name: "focal",
  target: classTargets,
  perSample(target, prediction) {
    const truth = ops.oneHot(target, Number(prediction.shape[1]));
    const p = ops.reduceSum(ops.mul(prediction, truth), [1], { keepdims: 0 });
    return ops.neg(ops.mul(ops.pow(ops.sub(1, p), gamma), ops.log(p)));
  },
};

/** The mean square of what a layer gives. */
function activationPenalty(layer: string): Loss {
  return {
    name: `activations of ${layer}`,
    target: () => undefined,
    perSample(_target, _prediction, layerOutput) {
      const output = layerOutput(layer);
      return ops.reduceMean(ops.mul(output, output), [1], { keepdims: 0 });
    },
  };
}

const x = Float32Array.of(0.5, -1, 1.5, 2, 0.25, -0.75, -1.25, 0.5);
const y = Int32Array.of(0, 2, 1, 2);
const data = { x, y };
const kernel = [0.3, -0.2, 0.5, 0.1, 0.4, -0.6];
const bias = [0.1, -0.1, 0.2];

/** Softmax regression of known weights. */
function regression(loss: Loss): Model {
  const created = sequential([dense(3, { activation: "softmax", name: "out" })], { inputShape: [2] });
  created.compile({ optimizer: sgd({ learningRate: 1 }), loss });
  created.setWeights(weightsOf(kernel));
  return created;
}

function weightsOf(values: readonly number[]): Map<string, Tensor> {
  return new Map([
    ["out/kernel", Tensor.float32([2, 3], values)],
    ["out/bias", Tensor.float32([3], bias)],
  ]);
}

/** The probabilities of a sample by hand, in double precision. */
function probabilities(sample: number): readonly number[] {
  const logits = bias.map((b, c) => b + x[2 * sample] * kernel[c] + x[2 * sample + 1] * kernel[3 + c]);
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
  return logits.map((z) => Math.exp(z) / total);
}

function mean(perSample: (sample: number) => number): number {
  return [0, 1, 2, 3].reduce((sum, sample) => sum + perSample(sample) / 4, 0);
}

async function firstLoss(trained: Model): Promise<number> {
  const { history } = await trained.fit(data, { batchSize: 4 });
  return history["loss"]?.[0] ?? Number.NaN;
}

/** The kernel's gradient from one step of SGD at rate 1, and from central differences of the evaluated loss. */
async function gradients(loss: Loss) {
  const trained = regression(loss);
  await trained.fit(data, { batchSize: 4 });
  const after = trained.weights().get("out/kernel")?.numbers ?? [];
  const analytic = kernel.map((value, i) => value - after[i]);
  const step = 2 ** -6;
  const numeric: number[] = [];
  for (const i of kernel.keys()) {
    const at = async (shift: number) => {
      trained.setWeights(weightsOf(kernel.with(i, kernel[i] + shift)));
      return (await trained.evaluate(data))["loss"];
    };
    numeric.push(((await at(step)) - (await at(-step))) / (2 * step));
  }
  return { analytic, numeric };
}

const crossentropy = (sample: number) => -Math.log(probabilities(sample)[y[sample]]);
const focalByHand = (sample: number) => (1 - probabilities(sample)[y[sample]]) ** gamma * crossentropy(sample);
const squaresByHand = (sample: number) => probabilities(sample).reduce((sum, p) => sum + (p * p) / 3, 0);
const mixed = weightedSum([
  { loss: sparseCategoricalCrossentropy(), weight: 0.5 },
  { loss: focal, weight: 2 },
  { loss: activationPenalty("out"), weight: 0.25 },
]);

describe("a loss of one's own", () => {
  it.each([
    ["focal", focal, focalByHand],
    [
      "a weighted sum with an activation penalty",
      mixed,
      (i: number) => 0.5 * crossentropy(i) + 2 * focalByHand(i) + 0.25 * squaresByHand(i),
    ],
  ] as const)("%s starts at the value worked out by hand, and its gradient is right", async (_, loss, byHand) => {
    expect(await firstLoss(regression(loss))).toBeCloseTo(mean(byHand), 5);
    const { analytic, numeric } = await gradients(loss);
    // Central differences: step² of the third derivative, and float32 rounding of the loss over the step.
    for (const [i, value] of analytic.entries()) expect(Math.abs(value - numeric[i])).toBeLessThan(2e-4);
    expect(Math.max(...analytic.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it("trains", async () => {
    const trained = regression(focal);
    const { history } = await trained.fit(data, { batchSize: 4, epochs: 40 });
    expect(history["loss"]?.at(-1)).toBeLessThan(0.3 * (history["loss"]?.[0] ?? 0));
  });
});

it("an auxiliary loss trains a branch that predictions do not need", async () => {
  const start = input([2]);
  const hidden = dense(4, { activation: "tanh", name: "hidden" })(start);
  const aside = dense(3, { activation: "softmax", name: "aside" })(hidden);
  const built = model(dense(3, { activation: "softmax", name: "out" })(hidden), { auxiliary: [aside] });
  const loss = weightedSum([
    { loss: sparseCategoricalCrossentropy(), weight: 1 },
    { loss: lossAt("aside", sparseCategoricalCrossentropy()), weight: 0.3 },
  ]);
  built.compile({ optimizer: sgd({ learningRate: 0.5 }), loss });
  const before = built.weights();
  expect([...before.keys()]).toContain("aside/kernel");
  await built.fit(data, { batchSize: 4 });
  expect(built.weights().get("aside/kernel")?.numbers).not.toEqual(before.get("aside/kernel")?.numbers);
  expect((await built.predict(x)).shape).toEqual([4, 3]);
});

it("several tasks learn together, labels missing, and the uncertainty of a number ends at the variance that nothing explains", async () => {
  const count = 40;
  const start = input([2]);
  const kind = dense(2, { activation: "softmax", name: "kind" })(start);
  const amount = dense(1, { name: "amount" })(start);
  const sigma = taskUncertainty(2, { name: "sigma" })(start);
  const built = model(amount, { auxiliary: [kind, sigma] });
  const loss = multiTaskLoss(
    [
      { layer: "kind", loss: sparseCategoricalCrossentropy(), likelihood: "softmax" },
      { layer: "amount", loss: meanSquaredError(), likelihood: "normal" },
    ],
    { kind: "uncertainty", layer: "sigma" },
  );
  built.compile({ optimizer: sgd({ learningRate: 0.2 }), loss });
  // Every fourth sample has no amount; the others' depend on the first feature, and stray by 0.5 to either side.
  const rows = Array.from({ length: count }, (_, i) => {
    const feature = (i % 8 < 4 ? -1 : 1) * (1 + (i % 3) / 4);
    const known = i % 4 === 3 ? 0 : 1;
    return {
      x: [feature, 1],
      y: [Number(feature > 0), 1, known * (2 * feature + (Math.floor(i / 8) % 2 ? 0.5 : -0.5)), known],
    };
  });
  const several = {
    x: Float32Array.from(rows.flatMap((row) => row.x)),
    y: Float32Array.from(rows.flatMap((row) => row.y)),
  };
  await built.fit(several, { batchSize: count, epochs: 300 });
  const predictions = (await built.predict(several.x)).floats;
  const known = rows.flatMap(({ y: [, , amount = 0, isKnown] }, i) =>
    isKnown ? [(amount - (predictions[i] ?? 0)) ** 2] : [],
  );
  const unexplained = known.reduce((sum, square) => sum + square, 0) / known.length;
  expect(unexplained).toBeLessThan(0.26);
  const [, logVariance = 0] = built.weights().get("sigma/logVariance")?.floats ?? [];
  // d/ds (e⁻ˢ·L/2 + s/2) = 0 where σ² = L.
  expect(Math.exp(logVariance)).toBeCloseTo(unexplained, 2);
});

describe("a loss that cannot be trained with is refused before training", () => {
  const one = (perSample: Loss["perSample"], target: Loss["target"] = classTargets): Loss => ({
    name: "mine",
    target,
    perSample,
  });
  it.each<readonly [string, Loss, RegExp]>([
    [
      "of the wrong shape",
      one((_, p) => ops.mul(p, p)),
      /the loss "mine" gives float32 \[2, 3\] for a batch of 2; expected float32 \[2\].*keepdims 0/s,
    ],
    ["of a column", one((_, p) => ops.reduceSum(p, [1])), /float32 \[2, 1\]/],
    ["of integers", one((target) => target), /gives int32 \[2\]/],
    ["of the targets alone", one((target) => ops.cast(target, "float32")), /"mine" does not depend on the model/],
    [
      "of a missing layer",
      one((_, _p, layerOutput) => layerOutput("ouT")),
      /the model has no layer "ouT"\. Did you mean "out"\?/,
    ],
    [
      "of targets that no data have",
      one(focal.perSample, () => ({ dtype: "int32", shape: [2, 1] })),
      /asks for targets int32 \[2, 1\] for a batch of 2; expected int32 \[2\]/,
    ],
    ["without targets", activationPenalty("out"), /takes no targets.*weightedSum/s],
    [
      "of two kinds of targets",
      weightedSum([
        { loss: focal, weight: 1 },
        { loss: meanSquaredError(), weight: 1 },
      ]),
      /"focal" expects targets int32 \[2\], "meanSquaredError" float32 \[2, 3\]/,
    ],
    [
      "whose part has the wrong shape",
      weightedSum([
        { loss: focal, weight: 1 },
        { loss: one((_, p) => p), weight: 1 },
      ]),
      /the loss "mine" gives float32 \[2, 3\]/,
    ],
  ])("%s", async (_, loss, message) => {
    await expect(regression(loss).fit(data)).rejects.toThrow(message);
  });

  it("with no parts or a weight that is no number", () => {
    expect(() => weightedSum([])).toThrow(/no losses/);
    expect(() => weightedSum([{ loss: focal, weight: Number.NaN }])).toThrow(/"focal" has the weight NaN/);
  });
});

it("class indices do not fit a loss that expects values", async () => {
  const squared: Loss = {
    name: "squared",
    target: valueTargets,
    perSample: (target, prediction) => ops.reduceMean(ops.pow(ops.sub(prediction, target), 2), [1], { keepdims: 0 }),
  };
  const plain = sequential([dense(3), activate("linear")], { inputShape: [2] });
  plain.compile({ loss: squared });
  await expect(plain.fit(data)).rejects.toThrow(/"squared" needs rows of 3 numbers/);
});
