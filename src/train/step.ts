import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { emit } from "../graph/emit.ts";
import { hideShapes } from "../graph/hideShapes.ts";
import { rewriteNamed } from "../graph/rewrite.ts";
import { constant, input, type Value } from "../graph/value.ts";
import { buildLoss, type Loss, type Target, weightedSum } from "../nn/loss.ts";
import { batchInput, forward, type Network } from "../nn/network.ts";
import { penalty } from "../nn/regularizers.ts";
import { type Build, type Parameter, type Statistics, startBuild } from "../nn/scope.ts";
import { writeModel } from "../onnx/write.ts";
import { add, mul, sub } from "../ops/arithmetic.ts";
import { foldBatchNorm } from "../ops/foldBatchNorm.ts";
import { hasConvolution, lowerTraining } from "../ops/lowerTraining.ts";
import { recomputeActivations } from "../ops/recompute.ts";
import { reduceSum } from "../ops/reductions.ts";
import { multiplyAdds } from "../ops/work.ts";
import { applyOptimizer, type OptimizerGraph } from "../optim/applyOptimizer.ts";
import { frozenStepsOf, groupOf } from "../optim/groups.ts";
import type { Optimizer } from "../optim/rule.ts";
import type { Engine, Feeds, Program } from "../platform/platform.ts";
import { blockSizeOf } from "./blockSize.ts";
import type { TrainingState } from "./state.ts";

/** Multiplications and additions, about 3 ms of one thread, below which others cost more to wait for than they bring. */
const smallWork = 2e8;

/** What is trained, and how. */
export interface Recipe {
  readonly network: Network;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Parameters that the optimiser changes; the others stay. */
  readonly trainable: readonly Parameter[];
  /** What batch normalisation does with its statistics; by default it measures them. */
  readonly statistics?: Statistics;
  /** Pulls parameters back to where they began. */
  readonly startingPoint?: StartingPoint;
  /** Added to the loss in training alone; it looks at the model and takes no targets. */
  readonly penalty?: Loss | undefined;
  /** Computes activations again in the backward pass, a third more work, instead of keeping all of them in memory. */
  readonly recompute?: boolean;
}

/** The penalty strength/2·‖w − w⁰‖² on each parameter that `weights` has (L2-SP; Li, Grandvalet & Davoine 2018, eq. 2). */
export interface StartingPoint {
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly strength: number;
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
  readonly target: Target;
  run(state: TrainingState, batch: Batch, learningRate: number): Promise<StepResult>;
  dispose(): Promise<void>;
}

/** Forward and backward pass of one batch as values. */
export interface GradientGraph {
  /** What a batch feeds. */
  readonly inputs: readonly Value[];
  /** What the loss expects as targets. */
  readonly target: Target;
  readonly loss: Value;
  readonly predictions: Value;
  /** What the optimiser changes, and the gradient of each. */
  readonly trainable: readonly Parameter[];
  readonly gradients: readonly Value[];
  readonly build: Build;
}

/** The values of a training step's graph before it is compiled. */
export interface StepGraph extends GradientGraph {
  readonly update: OptimizerGraph;
}

/** The recipe as it is after so many steps: without parameters that still sit out. */
export function recipeAt(recipe: Recipe, step: number): Recipe {
  const { trainable, optimizer } = recipe;
  return { ...recipe, trainable: trainable.filter(({ path }) => frozenStepsOf(optimizer.groups, path) <= step) };
}

/** Builds forward pass, loss and gradient for batches of `count` samples. */
export function buildGradients(
  { network, loss, optimizer, trainable: chosen, statistics, startingPoint, penalty: extra }: Recipe,
  count: number,
  dtype: "float32" | "uint8",
): GradientGraph {
  const trainable = chosen.filter(({ path }) => groupOf(optimizer.groups, path)?.frozen !== true);
  const keys = input("dropoutKeys", "uint32", [count]);
  const weights = input("sampleWeights", "float32", [count]);
  const x = batchInput(network, count, dtype);
  const build = startBuild(network.parameters, keys, statistics);
  const predictions = forward(network, x, build);
  const parts = [loss, ...(extra === undefined ? [] : [extra])].map((part) => ({ loss: part, weight: 1 }));
  const whole = parts.length === 1 ? loss : weightedSum(parts);
  const { target, fed: y, perSample } = buildLoss(whole, predictions, build);
  // Keras' reduction: the weighted sum over the batch, divided by its size.
  const data = mul(reduceSum(mul(perSample, weights), { keepdims: 0 }), 1 / count);
  const penalties = trainable.flatMap(({ value, regularizer }) => (regularizer ? [penalty(value, regularizer)] : []));
  if (startingPoint !== undefined) penalties.push(...pulls(trainable, startingPoint));
  const written = penalties.reduce((sum, one) => add(sum, one), data);
  const [total, shown] = foldBatchNorm([written, predictions]);
  const gradients = differentiate(
    total,
    trainable.map(({ value }) => value),
  );
  return { inputs: [x, y, weights, keys], target, loss: total, predictions: shown, trainable, gradients, build };
}

function pulls(trainable: readonly Parameter[], { weights, strength }: StartingPoint): readonly Value[] {
  return trainable.flatMap(({ path, value }) => {
    const start = weights.get(path);
    if (start === undefined) return [];
    const away = sub(value, constant(start, `start:${path}`));
    return [mul(reduceSum(mul(away, away), { keepdims: 0 }), strength / 2)];
  });
}

/** The same, and the update that follows. */
export function buildStep(recipe: Recipe, count: number, dtype: "float32" | "uint8"): StepGraph {
  const graph = buildGradients(recipe, count, dtype);
  const update = buildUpdate(recipe, graph.trainable, graph.gradients);
  const parameters = recipe.network.parameters.list.map(({ value }) => value);
  return { ...graph, inputs: [...graph.inputs, ...parameters, ...updateInputs(update)], update };
}

/** The optimiser's part of a step. */
export function buildUpdate(
  { optimizer }: Recipe,
  trainable: readonly Parameter[],
  gradients: readonly Value[],
): OptimizerGraph {
  return applyOptimizer(optimizer, trainable, gradients);
}

/** What it is fed besides parameters and gradients. */
export function updateInputs({ learningRate, scalars, slots }: OptimizerGraph): readonly Value[] {
  return [learningRate, ...scalars.map(({ value }) => value), ...slots.map(({ old }) => old)];
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
  const outputs = new Map([["loss", graph.loss] as const, ["predictions", graph.predictions] as const]);
  const named = new Map([...outputs, ...nextNamed(next)]);
  const program = await compileLowered("train_step", graph.inputs, named, engine, recipe.recompute);
  return {
    target: graph.target,
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

/** Compiles a graph whose weights are fed, lowered to what runs fastest. */
export async function compileLowered(
  name: string,
  inputs: readonly Value[],
  outputs: ReadonlyMap<string, Value>,
  engine: Engine,
  recompute = false,
): Promise<Program> {
  // The probe costs a tenth of a second, as much as some heads take to train.
  const block = hasConvolution([...outputs.values()]) ? await blockSizeOf(engine) : undefined;
  const lowered = rewriteNamed(outputs, (values) => lowerTraining(values, block));
  const loss = lowered.get("loss");
  const model = (values: ReadonlyMap<string, Value>) => emit({ name, inputs, outputs: Object.fromEntries(values) });
  const isSmall = multiplyAdds([...outputs.values()]) < smallWork;
  if (!recompute || loss === undefined)
    return engine.compile(writeModel(model(lowered)), isSmall ? { threads: 1 } : {});
  const kept = rewriteNamed(lowered, (values) => recomputeActivations(values, loss));
  // Without it the runtime would hold most of what becomes free.
  return engine.compile(writeModel(hideShapes(model(kept))));
}

/** New values under the names that their outputs have. */
export function nextNamed(next: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...next].map(([path, value]) => [nextName(path), value] as const);
}

/** The names of the feeds of a batch, a rate and a state. */
export function feedsFor(
  program: Program,
  graph: StepGraph,
  state: TrainingState,
  batch: Batch,
  learningRate: number,
): Feeds {
  return fed(program, {
    ...batchFeeds(batch),
    ...updateFeeds(graph.update, state, learningRate),
    ...stateFeeds(state),
  });
}

export function batchFeeds(batch: Batch): Feeds {
  return { input: batch.x, target: batch.y, sampleWeights: batch.weights, dropoutKeys: batch.dropoutKeys };
}

/** The learning rate and the numbers of the step that comes next. */
export function updateFeeds({ scalars }: OptimizerGraph, state: TrainingState, learningRate: number): Feeds {
  const feeds: Record<string, Tensor> = { learningRate: Tensor.float32([], [learningRate]) };
  for (const { value, at } of scalars) {
    if (value.source.kind === "input") feeds[value.source.name] = Tensor.float32([], [at(state.step + 1)]);
  }
  return feeds;
}

export function stateFeeds(state: TrainingState): Feeds {
  return Object.fromEntries(state.current);
}

/** Those of `feeds` that the program takes. Throws `model` when one is missing. */
export function fed(program: Program, feeds: Feeds): Feeds {
  return Object.fromEntries(program.inputNames.map((name) => [name, required(feeds, name)]));
}

/** The dropout keys of some samples: a function of (seed, epoch, sample). */
export function dropoutKeys(seed: number, epoch: number, samples: Uint32Array): Tensor {
  return Tensor.of(
    "uint32",
    [samples.length],
    samples.map((sample) => stream(seed, "dropout", epoch, sample).bits()),
  );
}

/** The output that holds the next value of `path`. */
export function nextName(path: string): string {
  return `next:${path}`;
}

function required(feeds: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = feeds[name];
  if (tensor === undefined) throw new GraftError("model", `the training step needs "${name}", which nothing feeds.`);
  return tensor;
}
