import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { emit } from "../graph/emit.ts";
import { input, type Value } from "../graph/value.ts";
import type { Loss } from "../nn/losses.ts";
import { batchInput, forward, type Network } from "../nn/network.ts";
import { penalty } from "../nn/regularizers.ts";
import { type Build, type Parameter, type Statistics, startBuild } from "../nn/scope.ts";
import { writeModel } from "../onnx/write.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { foldBatchNorm } from "../ops/foldBatchNorm.ts";
import { lowerTraining } from "../ops/lowerTraining.ts";
import { reduceSum } from "../ops/reductions.ts";
import { applyOptimizer, type OptimizerGraph } from "../optim/applyOptimizer.ts";
import { groupOf } from "../optim/groups.ts";
import type { Optimizer } from "../optim/rule.ts";
import type { Engine, Feeds, Program } from "../platform/platform.ts";
import { blockSizeOf } from "./blockSize.ts";
import type { TrainingState } from "./state.ts";

/** What is trained, and how. */
export interface Recipe {
  readonly network: Network;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Parameters that the optimiser changes; the others stay. */
  readonly trainable: readonly Parameter[];
  /** What batch normalisation does with its statistics; by default it measures them. */
  readonly statistics?: Statistics;
}

/** Everything a step is fed besides the state. */
export interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
  /** [N] weight of each sample in the loss. */
  readonly weights: Tensor;
  /** [N] uint32. */
  readonly dropoutKeys: Tensor;
}

export interface StepResult {
  readonly loss: number;
  readonly predictions: Tensor;
}

/** One compiled training step for one batch size. */
export interface Step {
  /** What the loss expects as targets. */
  readonly target: ReturnType<Loss["target"]>;
  run(state: TrainingState, batch: Batch, learningRate: number): Promise<StepResult>;
  dispose(): Promise<void>;
}

/** The values of a training step's graph before it is compiled. */
export interface StepGraph {
  readonly inputs: readonly Value[];
  readonly loss: Value;
  readonly predictions: Value;
  readonly gradients: readonly Value[];
  readonly build: Build;
  readonly update: OptimizerGraph;
}

/** Builds forward pass, loss, gradient and update for batches of `batch.x`'s shape and type. */
export function buildStep(
  { network, loss, optimizer, trainable: chosen, statistics }: Recipe,
  count: number,
  dtype: "float32" | "uint8",
): StepGraph {
  const trainable = chosen.filter(({ path }) => groupOf(optimizer.groups, path)?.frozen !== true);
  const keys = input("dropoutKeys", "uint32", [count]);
  const weights = input("sampleWeights", "float32", [count]);
  const x = batchInput(network, count, dtype);
  const build = startBuild(network.parameters, keys, statistics);
  const predictions = forward(network, x, build);
  const expected = loss.target(predictions);
  const y = input("target", expected.dtype, expected.shape);
  // Keras' reduction: the weighted sum over the batch, divided by its size.
  const data = mul(reduceSum(mul(loss.perSample(y, predictions), weights), { keepdims: 0 }), 1 / count);
  const penalties = trainable.flatMap(({ value, regularizer }) => (regularizer ? [penalty(value, regularizer)] : []));
  const written = penalties.reduce((sum, one) => add(sum, one), data);
  const [total, shown] = foldBatchNorm([written, predictions]) as readonly [Value, Value];
  const gradients = differentiate(
    total,
    trainable.map(({ value }) => value),
  );
  const update = applyOptimizer(
    optimizer,
    trainable.map(({ value, path }, i) => ({ parameter: value, path, gradient: gradients[i] as Value })),
  );
  const state = [...network.parameters.list.map(({ value }) => value), ...update.slots.map(({ old }) => old)];
  const scalars = update.scalars.map(({ value }) => value);
  const inputs = [x, y, weights, keys, update.learningRate, ...scalars, ...state];
  return { inputs, loss: total, predictions: shown, gradients, build, update };
}

/** Compiles a step. Whoever compiles it disposes of it. */
export async function compileStep(
  recipe: Recipe,
  count: number,
  dtype: "float32" | "uint8",
  engine: Engine,
): Promise<Step> {
  const graph = buildStep(recipe, count, dtype);
  const next = new Map([
    ...graph.update.parameters,
    ...graph.update.slots.map(({ path, next }) => [path, next] as const),
  ]);
  for (const [path, value] of graph.build.updates) next.set(path, value);
  const outputs = { loss: graph.loss, predictions: graph.predictions };
  const named = new Map([
    ...Object.entries(outputs),
    ...[...next].map(([path, value]) => [nextName(path), value] as const),
  ]);
  const lowered = lowerTraining([...named.values()], await blockSizeOf(engine));
  const model = emit({
    name: "train_step",
    inputs: graph.inputs,
    outputs: Object.fromEntries([...named.keys()].map((name, i) => [name, lowered[i] as Value])),
  });
  const program = await engine.compile(writeModel(model));
  return {
    target: recipe.loss.target(graph.predictions),
    async run(state, batch, learningRate) {
      state.ensureSlots(graph.update.slots);
      const feeds = feedsFor(program, graph, state, batch, learningRate);
      const into = Object.fromEntries([...next.keys()].map((path) => [nextName(path), state.spare(path)]));
      const result = await program.run(feeds, into);
      const { loss, predictions } = result;
      if (loss === undefined || predictions === undefined) throw new Error("the step returned no loss");
      const value = loss.floats[0] ?? Number.NaN;
      if (!Number.isFinite(value)) return { loss: value, predictions };
      state.swap(next.keys());
      state.step++;
      return { loss: value, predictions };
    },
    dispose: () => program.dispose(),
  };
}

/** The names of the feeds of a batch, a rate and a state. */
export function feedsFor(
  program: Program,
  graph: StepGraph,
  state: TrainingState,
  batch: Batch,
  learningRate: number,
): Feeds {
  const all: Record<string, Tensor> = {
    input: batch.x,
    target: batch.y,
    sampleWeights: batch.weights,
    dropoutKeys: batch.dropoutKeys,
    learningRate: Tensor.float32([], [learningRate]),
  };
  for (const { value, at } of graph.update.scalars) {
    if (value.source.kind === "input") all[value.source.name] = Tensor.float32([], [at(state.step + 1)]);
  }
  for (const [path, tensor] of state.current) all[path] = tensor;
  return Object.fromEntries(program.inputNames.map((name) => [name, required(all, name)]));
}

/** The dropout keys of some samples: a function of (seed, epoch, sample). */
export function dropoutKeys(seed: number, epoch: number, samples: Uint32Array): Tensor {
  return Tensor.of(
    "uint32",
    [samples.length],
    samples.map((sample) => stream(seed, "dropout", epoch, sample).bits()),
  );
}

function nextName(path: string): string {
  return `next:${path}`;
}

function required(feeds: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = feeds[name];
  if (tensor === undefined) throw new GraftError("model", `the training step needs "${name}", which nothing feeds.`);
  return tensor;
}
