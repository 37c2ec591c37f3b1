import { expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { dense } from "../nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { createEngine } from "../node/engine.ts";
import { adam } from "../optim/optimizers.ts";
import { arrays } from "./data.ts";
import { fit } from "./fit.ts";
import { initialTensors, TrainingState } from "./state.ts";

const learningRate = 0.01;
const late = "first/kernel";

/** The state after so many steps on one batch; the first layer sits out the first three of them. */
async function after(steps: number, averageDecay?: number): Promise<TrainingState> {
  const layers = [dense(6, { activation: "tanh", name: "first" }), dense(3, { activation: "softmax", name: "second" })];
  const network = sequentialNetwork(layers, [4]);
  const random = stream(1, "unfreezing test");
  const x = Float32Array.from({ length: 8 * 4 }, () => random.uniform(-1, 1));
  const y = Int32Array.from({ length: 8 }, (_, i) => i % 3);
  const groups = [{ paths: /^first\//, frozenSteps: 3 }];
  const averaged = averageDecay === undefined ? {} : { averageDecay };
  const plan = {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: adam({ learningRate, groups, ...averaged }),
      trainable: network.parameters.trainable,
    },
    train: arrays({ x, y, inputShape: [4] }),
    validation: undefined,
    epochs: steps,
    batchSize: 8,
    seed: 0,
    schedule: () => 1,
    classWeights: undefined,
    measures: [],
    callbacks: [],
  };
  const state = new TrainingState(initialTensors(network.parameters, 2));
  for await (const _event of fit(plan, state, { engine: createEngine(), nowMs: () => 0 }));
  return state;
}

it("keeps parameters as they are for the steps that they sit out, and without optimiser state", async () => {
  const [start, three] = [await after(0), await after(3)];
  expect(three.get(late).bytes).toEqual(start.get(late).bytes);
  expect([...three.current.keys()].filter((path) => path.startsWith("first/"))).toEqual(["first/kernel", "first/bias"]);
  expect(three.get("second/kernel").bytes).not.toEqual(start.get("second/kernel").bytes);
});

it("counts their steps from there: Adam's first change is the learning rate, whatever the gradient", async () => {
  const [three, four] = [await after(3), await after(4)];
  const [before, moved] = [three.get(late).floats, four.get(late).floats];
  // m̂/(√v̂ + ε) is ±1 at the first step but for ε; with the count of all steps it would be far from it.
  for (const [i, value] of moved.entries()) {
    expect(Math.abs(value - (before[i] ?? 0)) / learningRate).toBeCloseTo(1, 3);
  }
});

it("averages them from there too", async () => {
  // The average over one step is the weight after it; `fit` leaves the averages as weights.
  const [plain, averaged] = [await after(4), await after(4, 0.9)];
  for (const [i, value] of averaged.get(late).floats.entries()) {
    expect(value).toBeCloseTo(plain.get(late).floats[i] ?? Number.NaN, 5);
  }
  const [own = Number.NaN] = averaged.get("second/kernel").floats;
  expect(Math.abs(own - (plain.get("second/kernel").floats[0] ?? 0))).toBeGreaterThan(1e-3);
});
