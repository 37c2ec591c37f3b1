import { stream } from "../src/base/random.ts";
import { Tensor } from "../src/base/tensor.ts";
import { differentiate } from "../src/graph/differentiate.ts";
import { emit } from "../src/graph/emit.ts";
import { partition } from "../src/graph/partition.ts";
import { substitute } from "../src/graph/substitute.ts";
import { constant, input } from "../src/graph/value.ts";
import { buildLoss } from "../src/nn/loss.ts";
import { sparseCategoricalCrossentropy } from "../src/nn/losses.ts";
import { batchInput, forward } from "../src/nn/network.ts";
import { Parameters, Scope, type Statistics, startBuild } from "../src/nn/scope.ts";
import { createEngine } from "../src/node/engine.ts";
import { writeModel } from "../src/onnx/write.ts";
import { foldBatchNorm } from "../src/ops/foldBatchNorm.ts";
import { globalAveragePool } from "../src/ops/pooling.ts";
import { matmul } from "../src/ops/products.ts";
import { reduceMean } from "../src/ops/reductions.ts";
import { applyOptimizer } from "../src/optim/applyOptimizer.ts";
import { sgd } from "../src/optim/optimizers.ts";
import { initialTensors, TrainingState } from "../src/train/state.ts";
import { type Batch, compileLowered, compileStep, nextName, nextNamed } from "../src/train/step.ts";
import { type ModelName, models, networkOf } from "./models.ts";

/** Something that can be run again and again, and what it holds given back. */
export interface Job {
  run(): Promise<unknown>;
  dispose(): Promise<void>;
}

/** A full training step: forward, backward, SGD with momentum. */
export async function stepJob(name: ModelName, statistics: Statistics, threads: number): Promise<Job> {
  const network = networkOf(name);
  const optimizer = sgd({ learningRate: 1e-4, momentum: 0.9 });
  const loss = sparseCategoricalCrossentropy();
  const recipe = { network, loss, optimizer, trainable: network.parameters.trainable, statistics };
  const step = await compileStep(recipe, models[name].batchSize, "float32", createEngine({ threads }));
  const state = new TrainingState(initialTensors(network.parameters, 0));
  const batch = batchFor(name);
  return { run: () => step.run(state, batch, optimizer.learningRate), dispose: () => step.dispose() };
}

/** Noise and labels by turns. */
export function batchFor(name: ModelName): Batch {
  const { batchSize, side, classes } = models[name];
  const labels = Int32Array.from({ length: batchSize }, (_, i) => i % classes);
  return {
    x: noise([batchSize, side, side, 3]),
    y: Tensor.of("int32", [batchSize], labels),
    weights: Tensor.float32([batchSize], new Array<number>(batchSize).fill(1)),
    dropoutKeys: Tensor.of("uint32", [batchSize], new Uint32Array(batchSize)),
  };
}

/**
 * One epoch's work on a batch when only the parameters that match `trained` learn: the frozen part was computed once, as Graft
 * does, so that a step is the rest alone. Batch norm keeps its statistics.
 */
export async function tuningJob(name: ModelName, trained: RegExp, threads: number): Promise<Job> {
  const { batchSize, side, classes } = models[name];
  const engine = createEngine({ threads });
  const network = networkOf(name);
  const { list } = network.parameters;
  const tensors = initialTensors(network.parameters, 0);
  const trainable = list.filter(({ path, trainable: learns }) => learns && trained.test(path));
  const frozen = list.filter((parameter) => !trainable.includes(parameter));
  const image = batchInput(network, batchSize, "float32");
  const build = startBuild(network.parameters);
  const predictions = forward(network, image, build);
  const { fed: target, perSample: losses } = buildLoss(sparseCategoricalCrossentropy(), predictions, build);
  const bound = frozen.map(({ path, value }) => [value, constant(tensors.get(path) as Tensor)] as const);
  const [loss] = substitute(foldBatchNorm([reduceMean(losses, { keepdims: 0 })]), new Map(bound));
  const cut = partition(
    [loss],
    trainable.map(({ value }) => value),
    [image],
  );
  const gradients = differentiate(
    cut.outputs[0],
    trainable.map(({ value }) => value),
  );
  const optimizer = sgd({ learningRate: 1e-4, momentum: 0.9 });
  const update = applyOptimizer(optimizer, trainable, gradients);
  const next = new Map([...update.parameters, ...update.slots.map((slot) => [slot.path, slot.next] as const)]);
  const inputs = [
    ...cut.received,
    target,
    ...trainable.map(({ value }) => value),
    update.learningRate,
    ...update.slots.map(({ old }) => old),
  ];
  const outputs = new Map([["loss", cut.outputs[0]] as const, ...nextNamed(next)]);
  const program = await compileLowered("tuning", inputs, outputs, engine);
  const prefix = await engine.compile(
    writeModel(emit({ name: "prefix", inputs: [image], outputs: { frozen: cut.frontier[0] } })),
  );
  const { frozen: features } = await prefix.run({ input: noise([batchSize, side, side, 3]) });
  await prefix.dispose();
  const state = new TrainingState(new Map(trainable.map(({ path }) => [path, tensors.get(path) as Tensor])));
  state.ensureSlots(update.slots);
  const labels = Int32Array.from({ length: batchSize }, (_, i) => i % classes);
  return {
    async run() {
      const feeds = {
        "frozen.0": features,
        target: Tensor.of("int32", [batchSize], labels),
        learningRate: Tensor.float32([], [optimizer.learningRate]),
        ...Object.fromEntries(state.current),
      };
      const into = Object.fromEntries([...next.keys()].map((path) => [nextName(path), state.spare(path)]));
      await program.run(feeds, into);
      state.swap(next.keys());
    },
    dispose: () => program.dispose(),
  };
}

/** Frozen features: the body and its pooling with constant weights. */
export async function featuresJob(name: ModelName, threads: number): Promise<Job> {
  const { batchSize, side, body } = models[name];
  const parameters = new Parameters();
  const image = input("image", "float32", [batchSize, 3, side, side]);
  const written = globalAveragePool(body(new Scope(startBuild(parameters)), image));
  const tensors = initialTensors(parameters, 0);
  const bound = parameters.list.map(({ path, value }) => [value, constant(tensors.get(path) as Tensor)] as const);
  const [features] = substitute([written], new Map(bound));
  const program = await createEngine({ threads }).compile(
    writeModel(emit({ name: "features", inputs: [image], outputs: { features } })),
  );
  const feeds = { image: noise([batchSize, 3, side, side]) };
  return { run: () => program.run(feeds), dispose: () => program.dispose() };
}

/** A square matrix product: what the machine can do at best. */
export async function productJob(size: number, threads: number): Promise<Job> {
  const a = input("a", "float32", [size, size]);
  const b = input("b", "float32", [size, size]);
  const program = await createEngine({ threads }).compile(
    writeModel(emit({ name: "product", inputs: [a, b], outputs: { y: matmul(a, b) } })),
  );
  const feeds = { a: noise([size, size]), b: noise([size, size]) };
  return { run: () => program.run(feeds), dispose: () => program.dispose() };
}

function noise(shape: readonly number[]): Tensor {
  const random = stream(0, "benchmark");
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform(-1, 1));
  return Tensor.of("float32", shape, values);
}
