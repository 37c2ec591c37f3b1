import { describe, expect, it } from "vitest";
import { backbone } from "../backbones/backbone.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { conv2d } from "../nn/convolutionLayers.ts";
import { activate, dense } from "../nn/denseLayers.ts";
import type { Layer } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import { classTargets } from "../nn/loss.ts";
import type { LossName } from "../nn/losses.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { batchNormalization, rescaling } from "../nn/normalisationLayers.ts";
import { globalAveragePooling2d } from "../nn/poolingLayers.ts";
import { nodePlatform } from "../node/platform.ts";
import { logSoftmax, softmax } from "../ops/activations.ts";
import { mul, neg } from "../ops/arithmetic.ts";
import { reshape, transpose } from "../ops/layout.ts";
import { oneHot } from "../ops/oneHot.ts";
import { matmul } from "../ops/products.ts";
import { reduceSum } from "../ops/reductions.ts";
import { adam } from "../optim/optimizers.ts";
import { type Data, type FitOptions, type Model, sequentialModel } from "../train/model.ts";
import { type DiagnoseOptions, diagnose } from "./diagnose.ts";
import { formatFindings } from "./finding.ts";

const platform = nodePlatform();
const side = 16;

/** `count` images of noise from 0 to `top`, all different, classes in turn. */
function noise(count: number, { classes = 3, channels = 3, top = 1, seed = 1 } = {}) {
  const random = stream(seed, "noise");
  return {
    x: Float32Array.from({ length: count * side * side * channels }, () => top * random.uniform()),
    y: Int32Array.from({ length: count }, (_, i) => i % classes),
  };
}

function oneHotRows(labels: Int32Array, classes = 3): Float32Array {
  const rows = new Float32Array(labels.length * classes);
  for (const [i, label] of labels.entries()) rows[i * classes + label] = 1;
  return rows;
}

interface Recipe {
  readonly layers?: readonly Layer[];
  readonly loss?: LossName | Loss;
  readonly channels?: number;
  readonly learningRate?: number;
  readonly prepare?: (model: Model) => void;
}

const features = () => [conv2d(4, 3, { activation: "relu" }), globalAveragePooling2d()];
const softmaxHead = (units = 3) => dense(units, { activation: "softmax", name: "head" });

function modelOf({
  layers = [...features(), softmaxHead()],
  loss = "sparseCategoricalCrossentropy",
  channels = 3,
  learningRate = 1e-3,
  prepare = () => undefined,
}: Recipe = {}): Model {
  const model = sequentialModel(layers, { inputShape: [side, side, channels] }, platform);
  model.compile({ optimizer: adam({ learningRate }), loss });
  prepare(model);
  return model;
}

/** The names of what is found, without hints. */
async function found(
  recipe: Recipe,
  data: Data = noise(30),
  options: DiagnoseOptions = {},
): Promise<readonly string[]> {
  const findings = await diagnose(modelOf(recipe), data, options);
  return findings.filter(({ severity }) => severity !== "hint").map(({ check }) => check);
}

/** A pretrained part: not what it was drawn as. */
function loaded(name: string): (model: Model) => void {
  return (model) => {
    const changed = [...model.weights()].filter(([path]) => path.startsWith(`${name}/`));
    model.setWeights(
      new Map(
        changed.map(([path, tensor]) => [
          path,
          Tensor.of(
            "float32",
            tensor.shape,
            tensor.floats.map((v) => v + 0.01),
          ),
        ]),
      ),
    );
    model.setTrainable((path) => !path.startsWith(`${name}/`));
  };
}

const pretrained = "cifar_resnet20";
const onBackbone = (): readonly Layer[] => [
  backbone(pretrained, { includeTop: false, pooling: "avg", inputShape: [side, side, 3] }).layer,
  softmaxHead(),
];
/** Noise as ImageNet's mean and deviation leave it. */
const standardised = { ...noise(30), x: noise(30).x.map((value) => 4.7 * value - 2.1) };

/** A user's own cross-entropy that expects logits. */
const fromLogits: Loss = {
  name: "fromLogits",
  target: classTargets,
  perSample: (target, prediction) =>
    neg(reduceSum(mul(oneHot(target, 3), logSoftmax(prediction, { axis: 1 })), [1], { keepdims: 0 })),
};

it("finds nothing in a sound recipe", async () => {
  expect(await found({}, noise(30), { validation: noise(15, { seed: 2 }) })).toEqual([]);
  expect(await found({ loss: "categoricalCrossentropy" }, { x: noise(30).x, y: oneHotRows(noise(30).y) })).toEqual([]);
  expect(await found({ layers: [rescaling(1 / 255), ...features(), softmaxHead()] }, noise(30, { top: 255 }))).toEqual(
    [],
  );
});

describe("diagnose finds", () => {
  const { x, y } = noise(30);
  const cases: readonly (readonly [string, Recipe, Data, FitOptions?])[] = [
    ["sample-shape", { channels: 1 }, { x, y }],
    ["labels-do-not-fit-the-loss", { loss: "categoricalCrossentropy" }, { x, y }],
    ["labels-do-not-fit-the-loss", {}, { x, y: oneHotRows(y) }],
    ["labels-do-not-fit-the-loss", {}, { x, y: Int32Array.from(oneHotRows(y)) }],
    ["labels-do-not-fit-the-loss", { loss: "categoricalCrossentropy" }, { x, y: oneHotRows(y).map((v) => 2 * v) }],
    [
      "labels-do-not-fit-the-loss",
      { layers: [...features(), dense(1, { activation: "sigmoid" })], loss: "binaryCrossentropy" },
      { x, y },
    ],
    ["loss-does-not-fit-the-model", { layers: [...features(), softmaxHead(1)] }, { x, y }],
    ["head-width", { layers: [...features(), softmaxHead(2)] }, { x, y }],
    ["head-width", { layers: [...features(), softmaxHead(1000)] }, { x, y }],
    ["softmax-twice", { layers: [...features(), softmaxHead(), activate("softmax")] }, { x, y }],
    ["softmax-twice", { loss: fromLogits }, { x, y }],
    ["logits-as-probabilities", { layers: [...features(), dense(3)] }, { x, y }],
    ["loss-of-another-task", { loss: "meanSquaredError" }, { x, y: oneHotRows(y) }],
    [
      "head-on-probabilities",
      { layers: [...features(), softmaxHead(), dense(3, { activation: "softmax" })] },
      { x, y },
    ],
    ["pixel-scale", {}, noise(30, { top: 255 })],
    ["pixel-scale", { layers: [rescaling(1 / 255), ...features(), softmaxHead()] }, { x, y }],
    ["everything-frozen", { prepare: (model) => model.setTrainable(() => false) }, { x, y }],
    ["frozen-random-weights", { prepare: (model) => model.setTrainable((path) => path.startsWith("head")) }, { x, y }],
    ["learning-rate", { learningRate: 0.5 }, { x, y }],
    ["missing-class", {}, { x, y }, { validation: noise(10, { classes: 2, seed: 2 }) }],
    ["copies-across-parts", {}, { x, y }, { validation: { x: x.slice(0, 6 * side * side * 3), y: y.slice(0, 6) } }],
    ["class-imbalance", {}, { x, y: Int32Array.from(y, (_, i) => (i < 24 ? 0 : i % 3)) }],
    [
      "unshuffled-validation",
      {},
      noise(90),
      {
        validation: { x: noise(60, { seed: 2 }).x, y: Int32Array.from({ length: 60 }, (_, i) => Math.min(2, i >> 1)) },
      },
    ],
    ["pixel-scale", { layers: onBackbone(), prepare: loaded(pretrained) }, noise(30, { top: 255 })],
    ["pixel-scale", { layers: onBackbone(), prepare: loaded(pretrained) }, { x, y }],
    ["batch-norm-in-frozen-layers", { layers: onBackbone(), prepare: loaded(pretrained) }, standardised],
    [
      "head-on-probabilities",
      { layers: [backbone(pretrained, { inputShape: [side, side, 3], classes: 10 }).layer, softmaxHead()] },
      standardised,
    ],
  ];
  it.each(cases.map((one) => [one[0], one] as const))("%s", async (check, [, recipe, data, options]) => {
    expect(await found(recipe, data, options)).toContain(check);
  });
});

describe("diagnose leaves alone", () => {
  it("a frozen backbone with its weights, its preprocessing and its statistics", async () => {
    const recipe = { layers: onBackbone(), prepare: loaded(pretrained) };
    expect(await found(recipe, standardised, { statistics: "frozen" })).toEqual([]);
  });

  it("batch normalisation and a published architecture that learn from scratch", async () => {
    const layers = [conv2d(4, 3), batchNormalization(), activate("relu"), globalAveragePooling2d(), softmaxHead()];
    expect(await found({ layers })).toEqual([]);
    expect(await found({ layers: onBackbone() })).toEqual([]);
  });

  it("raw levels in front of batch normalisation", async () => {
    expect(
      await found({ layers: [batchNormalization(), ...features(), softmaxHead()] }, noise(30, { top: 255 })),
    ).toEqual([]);
  });

  it("attention, which multiplies by a softmax too", async () => {
    // [N, C, H, W] → [N, C, H·W]: each channel looks at all channels.
    const attention = moduleLayer("attention", (_scope, maps) => {
      const rows = reshape(maps, [0, 0, -1]);
      const weights = softmax(matmul(rows, transpose(rows, { perm: [0, 2, 1] })), { axis: 2 });
      return reshape(matmul(weights, rows), [0, 0, side, side]);
    });
    expect(await found({ layers: [attention, ...features(), softmaxHead()] })).toEqual([]);
  });

  it("weights in place of balance, and classes in their natural shares", async () => {
    const y = Int32Array.from({ length: 90 }, (_, i) => (i % 6 < 4 ? 0 : i % 6 === 4 ? 1 : 2));
    const held = { x: noise(60, { seed: 2 }).x, y: y.slice(0, 60) };
    expect(await found({}, { x: noise(90).x, y }, { validation: held, classWeights: [0.5, 2, 2] })).toEqual([]);
  });
});

it("tells what an earlier fit shows", async () => {
  const logs = (losses: readonly number[], held: readonly number[], accuracy = 0.34) =>
    losses.map((loss, i) => ({ epoch: i + 1, loss, val_loss: held[i], accuracy, val_accuracy: accuracy }));
  const history = (epochs: ReturnType<typeof logs>) => ({ epochs, history: {}, stopReason: undefined });
  const options = { validation: noise(30, { seed: 2 }) };
  const of = (epochs: ReturnType<typeof logs>, recipe: Recipe = {}) =>
    found(recipe, noise(30), { ...options, history: history(epochs) });
  expect(await of(logs([1.1, 1.1, 1.1], [1.1, 1.1, 1.1]))).toEqual(["no-better-than-majority", "loss-stands-still"]);
  expect(await of(logs([1.1, 3, 9], [1.1, 3, 9], 0.9))).toEqual(["loss-exploded"]);
  expect(await of(logs([1.1, 0.6, 0.3], [1, 0.7, 0.5], 0.9))).toEqual([]);
  const normalised = [conv2d(4, 3), batchNormalization(), activate("relu"), globalAveragePooling2d(), softmaxHead()];
  expect(await of(logs([1.1, 0.6, 0.3], [1, 4, 0.5], 0.9), { layers: normalised })).toEqual(["validation-leaps"]);
});

it("puts findings into words, with the numbers", async () => {
  const [first, ...others] = await diagnose(modelOf({ loss: "categoricalCrossentropy" }), noise(30));
  expect(others.filter(({ severity }) => severity === "serious")).toEqual([]);
  expect(first).toMatchObject({ check: "labels-do-not-fit-the-loss", severity: "serious", evidence: { width: 3 } });
  expect(formatFindings(first === undefined ? [] : [first])).toBe(
    [
      "serious: labels-do-not-fit-the-loss",
      "  the loss is categoricalCrossentropy, the model gives 3 numbers a sample, and the labels are class indices from 0 to 2",
      "  The loss then compares what has nothing to do with each other; training refuses or learns nonsense.",
      '  → loss: "sparseCategoricalCrossentropy" for class indices, or one-hot rows as a Float32Array',
    ].join("\n"),
  );
});
