import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { dense, dropout } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { batchNormalization } from "../nn/normalisationLayers.ts";
import { nodePlatform } from "../node/platform.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import { earlyStopping, reduceLROnPlateau } from "./callbacks.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { arrays } from "./data.ts";
import { type FitPlan, fit } from "./fit.ts";
import { measures } from "./measures.ts";
import { freshProgress } from "./progress.ts";
import { initialTensors, TrainingState } from "./state.ts";

const platform = nodePlatform();

function makePlan(): FitPlan {
  const random = stream(4, "data");
  const data = (count: number) =>
    arrays({
      x: Float32Array.from({ length: count * 6 }, () => random.normal()),
      y: Int32Array.from({ length: count }, (_, i) => i % 3),
      inputShape: [6],
    });
  const network = sequentialNetwork(
    [dense(16, { activation: "relu" }), batchNormalization(), dropout(0.3), dense(3, { activation: "softmax" })],
    [6],
  );
  return {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: adam({ learningRate: 0.01 }),
      trainable: network.parameters.trainable,
    },
    train: data(50),
    validation: data(20),
    epochs: 6,
    batchSize: 8,
    seed: 1,
    schedule: cosineSchedule(),
    classWeights: [1, 2, 1],
    measures: [measures.accuracy],
    callbacks: [earlyStopping({ patience: 2 }), reduceLROnPlateau({ patience: 1, factor: 0.5 })],
  };
}

/** All checkpoints of a run, one per step, and its final weights. */
async function run(plan: FitPlan, state: TrainingState, progress = freshProgress()) {
  const checkpoints: Uint8Array[] = [];
  const means = {
    engine: platform.engine,
    nowMs: () => 0,
    checkpointMs: 0,
    saveCheckpoint: async (...args: Parameters<typeof encodeCheckpoint>) => {
      checkpoints.push(Buffer.concat(encodeCheckpoint(...args)));
    },
  };
  for await (const _ of fit(plan, state, means, progress));
  const weights = [...state.snapshot(plan.recipe.network.parameters.list)].map(
    ([path, { bytes }]) => `${path} ${Buffer.from(bytes).toString("hex")}`,
  );
  return { checkpoints, weights };
}

describe("a checkpoint", () => {
  it("continues to the same bytes from every step of a run", async () => {
    const plan = makePlan();
    const whole = await run(plan, new TrainingState(initialTensors(plan.recipe.network.parameters, 1)));
    expect(whole.checkpoints.length).toBeGreaterThan(20);
    for (let i = 0; i < whole.checkpoints.length; i += 5) {
      const again = makePlan();
      const { state, progress } = decodeCheckpoint(whole.checkpoints[i] ?? new Uint8Array(), "test", again.callbacks);
      expect((await run(again, state, progress)).weights, `from checkpoint ${i}`).toEqual(whole.weights);
    }
  });

  it("is refused when it is cut, or belongs to other callbacks", async () => {
    const plan = makePlan();
    const bytes = Buffer.concat(encodeCheckpoint(freshProgress(), new TrainingState(new Map()), plan.callbacks));
    expect(() => decodeCheckpoint(bytes.subarray(0, bytes.length - 3), "cut", plan.callbacks)).toThrow(
      /"cut" is not a whole safetensors file/,
    );
    expect(() => decodeCheckpoint(bytes, "other", [])).toThrow(/other callbacks \(earlyStopping, reduceLROnPlateau\)/);
  });
});
