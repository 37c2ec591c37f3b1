import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { conv2d, depthwiseConv2d } from "../nn/convolutionLayers.ts";
import { activate, dense, dropout, flatten } from "../nn/denseLayers.ts";
import { input } from "../nn/layer.ts";
import { add, concatenate } from "../nn/mergeLayers.ts";
import { batchNormalization } from "../nn/normalisationLayers.ts";
import { averagePooling2d, globalAveragePooling2d, maxPooling2d } from "../nn/poolingLayers.ts";
import { l2 } from "../nn/regularizers.ts";
import { nodePlatform } from "../node/platform.ts";
import { adam, sgd } from "../optim/optimizers.ts";
import { earlyStopping, reduceLROnPlateau } from "./callbacks.ts";
import { functionalModel, type Model, sequentialModel } from "./model.ts";

const platform = nodePlatform();

/** Two noisy clouds in the plane, apart along the first axis. */
function clouds(count: number, seed = 1): { x: Float32Array; y: Int32Array } {
  const random = stream(seed, "clouds");
  const y = Int32Array.from({ length: count }, (_, i) => i % 2);
  const x = Float32Array.from(
    { length: 2 * count },
    (_, i) => random.normal() * 0.5 + (i % 2 === 0 && y[i >> 1] ? 2 : 0),
  );
  return { x, y };
}

function classifier(seed = 0): Model {
  const model = sequentialModel(
    [dense(8, { activation: "tanh" }), dropout(0.2), dense(2, { activation: "softmax" })],
    { inputShape: [2], seed },
    platform,
  );
  model.compile({
    optimizer: adam({ learningRate: 0.02 }),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

describe("fit", () => {
  it("learns, and returns a history like Keras'", async () => {
    const model = classifier();
    const { history } = await model.fit(clouds(205), { epochs: 15, batchSize: 32, validation: clouds(64, 2) });
    expect(Object.keys(history)).toEqual([
      "epoch",
      "loss",
      "accuracy",
      "val_loss",
      "val_accuracy",
      "learning_rate",
      "duration_ms",
    ]);
    expect(history["loss"]).toHaveLength(15);
    const { accuracy } = await model.evaluate(clouds(200, 3));
    expect(accuracy).toBeGreaterThan(0.93);
  });

  it("gives the same bytes for the same seed, others for another", async () => {
    const trained = async (seed: number) => {
      const model = classifier(seed);
      await model.fit(clouds(50), { epochs: 2, batchSize: 16 });
      return Buffer.concat([...model.weights().values()].map(({ bytes }) => bytes)).toString("hex");
    };
    const first = await trained(0);
    expect(await trained(0)).toBe(first);
    expect(await trained(1)).not.toBe(first);
  });

  it("stops early and restores the best weights", async () => {
    const model = classifier();
    const validation = clouds(64, 2);
    const { history, stopReason } = await model.fit(clouds(40), {
      epochs: 200,
      batchSize: 8,
      validation,
      callbacks: [earlyStopping({ patience: 3 })],
    });
    expect(stopReason).toMatch(/val_loss has not improved/);
    const best = Math.min(...(history["val_loss"] ?? []));
    expect((await model.evaluate(validation))["loss"]).toBeCloseTo(best, 6);
  });

  it("comes to the same weights when batches are computed in parts", async () => {
    const trained = async (partSize?: number) => {
      const model = classifier();
      await model.fit(clouds(22), { epochs: 2, batchSize: 8, ...(partSize === undefined ? {} : { partSize }) });
      return [...model.weights().values()].flatMap(({ floats }) => [...floats]);
    };
    const whole = await trained();
    for (const partSize of [3, 4]) {
      const parts = await trained(partSize);
      expect(Math.max(...parts.map((value, i) => Math.abs(value - (whole[i] ?? Number.NaN))))).toBeLessThan(1e-4);
    }
  });

  it("comes to the same bits when activations are computed again", async () => {
    const random = stream(2, "images");
    const x = Float32Array.from({ length: 12 * 16 * 16 * 3 }, () => random.normal());
    const stage = () => [conv2d(16, 3, { padding: "same" }), batchNormalization(), activate("relu")];
    const trained = async (recompute: boolean) => {
      const layers = [
        ...stage(),
        ...stage(),
        ...stage(),
        globalAveragePooling2d(),
        dense(2, { activation: "softmax" }),
      ];
      const model = sequentialModel(layers, { inputShape: [16, 16, 3] }, platform);
      model.compile({ optimizer: "adam", loss: "sparseCategoricalCrossentropy" });
      await model.fit(
        { x, y: Int32Array.from({ length: 12 }, (_, i) => i % 2) },
        { epochs: 2, batchSize: 4, recompute },
      );
      return [...model.weights().values()].flatMap(({ floats }) => [...floats]);
    };
    expect(await trained(true)).toEqual(await trained(false));
  });

  it("measures and ends with the average of the weights where one is kept", async () => {
    const trained = async (averageDecay?: number) => {
      const model = classifier();
      const optimizer = sgd({ learningRate: 0.5, ...(averageDecay === undefined ? {} : { averageDecay }) });
      model.compile({ optimizer, loss: "sparseCategoricalCrossentropy" });
      const { history } = await model.fit(clouds(40), { epochs: 3, batchSize: 4, validation: clouds(64, 2) });
      return { last: history["val_loss"]?.at(-1), after: (await model.evaluate(clouds(64, 2)))["loss"] };
    };
    const averaged = await trained(0.9);
    expect(averaged.after).toBeCloseTo(averaged.last ?? Number.NaN, 6);
    expect(averaged.after).not.toBeCloseTo((await trained()).after ?? Number.NaN, 6);
  });

  it("lowers the learning rate on a plateau", async () => {
    const model = classifier();
    const { history } = await model.fit(clouds(20), {
      epochs: 4,
      validation: clouds(10),
      callbacks: [reduceLROnPlateau({ monitor: "val_loss", patience: 1, minDelta: 100, factor: 0.5 })],
    });
    expect(history["learning_rate"]).toEqual([0.02, 0.02, 0.01, 0.005]);
  });

  it("names the log that a callback asks for in vain", async () => {
    await expect(classifier().fit(clouds(8), { callbacks: [earlyStopping()] })).rejects.toThrow(
      /no log "val_loss".*validation data/s,
    );
  });

  it("leaves frozen parameters as they are", async () => {
    const model = classifier();
    model.setTrainable((path) => !path.startsWith("dense/"));
    const before = model.weights();
    await model.fit(clouds(20));
    const after = model.weights();
    expect(after.get("dense/kernel")?.bytes).toEqual(before.get("dense/kernel")?.bytes);
    expect(after.get("dense_1/kernel")?.bytes).not.toEqual(before.get("dense_1/kernel")?.bytes);
  });

  it("stops at a loss that is no number and names the first bad tensor", async () => {
    const model = classifier();
    model.compile({ optimizer: sgd({ learningRate: 1e38 }), loss: "sparseCategoricalCrossentropy" });
    await expect(model.fit(clouds(64), { epochs: 5, batchSize: 8 })).rejects.toThrow(
      /not a number at epoch \d+, step \d+; the first bad tensor is .*(layer|parameter|gradient)/,
    );
    const { x, y } = clouds(8);
    x[3] = Number.NaN;
    await expect(classifier().fit({ x, y })).rejects.toThrow(/first bad tensor is the input batch/);
  });

  it("says when targets, shapes or losses do not fit", async () => {
    const model = classifier();
    const { x } = clouds(4);
    await expect(model.fit({ x, y: [0, 1, 0] })).rejects.toThrow(/3 entries for 4 samples/);
    await expect(model.fit({ x, y: [0, 1, 0, 2.5] })).rejects.toThrow(/entry 3 is not a class index/);
    await expect(model.fit({ x, y: [0, 1, 0, 2] })).rejects.toThrow(/label 2 does not fit a model with 2 outputs/);
    await expect(model.fit({ x, y: new Float32Array(4) })).rejects.toThrow(/needs class indices/);
    model.compile({ loss: "meanSquaredError" });
    await expect(model.fit({ x, y: [0, 1, 0, 1] })).rejects.toThrow(/needs rows of 2 numbers/);
    expect(() => model.compile({ loss: "mse" as "meanSquaredError" })).toThrow(/unknown loss "mse"/);
  });
});

describe("layers", () => {
  it("train together in a functional model with branches", async () => {
    const start = input([8, 9, 3]);
    const stem = conv2d(4, 3, { padding: "same", strides: 2, kernelRegularizer: l2(0.001) })(start);
    const normal = batchNormalization()(stem);
    const left = depthwiseConv2d(3, { padding: "same", activation: "relu" })(normal);
    const merged = concatenate()(add()(left, normal), averagePooling2d(3, { strides: 1, padding: "same" })(normal));
    const pooled = maxPooling2d(2, { padding: "same" })(merged);
    const model = functionalModel(dense(3, { activation: "softmax" })(globalAveragePooling2d()(pooled)), {}, platform);
    model.compile({
      optimizer: adam({ learningRate: 0.02 }),
      loss: "sparseCategoricalCrossentropy",
      metrics: ["accuracy"],
    });
    const y = Int32Array.from({ length: 30 }, (_, i) => i % 3);
    const x = Uint8Array.from({ length: 30 * 216 }, (_, i) => (i % 3 === y[Math.floor(i / 216)] ? 200 : 50));
    const before = model.weights().get("batch_normalization/movingMean");
    await model.fit({ x, y }, { epochs: 25, batchSize: 10 });
    expect(model.weights().get("batch_normalization/movingMean")?.bytes).not.toEqual(before?.bytes);
    expect((await model.evaluate({ x, y }))["accuracy"]).toBe(1);
  });

  it("are summed up as Keras does", () => {
    const model = sequentialModel(
      [conv2d(32, 3, { activation: "relu" }), maxPooling2d(2), flatten(), dense(10)],
      { inputShape: [28, 28, 1] },
      platform,
    );
    const text = model.summary();
    expect(text).toMatch(/conv2d \(Conv2D\) +│ \(None, 26, 26, 32\) │ +320/);
    expect(text).toMatch(/max_pooling2d \(MaxPooling2D\) +│ \(None, 13, 13, 32\) │ +0/);
    expect(text).toMatch(/dense \(Dense\) +│ \(None, 10\) +│ +54,090/);
    expect(text).toContain("Total params: 54,410 (212.54 KB)");
  });

  it("say what is wrong with their options and shapes", () => {
    expect(() => conv2d(8, 3, { stride: 2 } as object)).toThrow(
      /Conv2D: unknown option "stride". Did you mean "strides"/,
    );
    const build = () => sequentialModel([conv2d(8, 3), dense(2)], { inputShape: [8, 8, 3] }, platform);
    expect(build).toThrow(/Dense: an input of rank 2.*flatten\(\)/s);
    const tooSmall = () => sequentialModel([conv2d(8, 9)], { inputShape: [4, 4, 3] }, platform);
    expect(tooSmall).toThrow(/kernel size 9 > input size 4/);
  });
});
