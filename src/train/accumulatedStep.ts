import { Tensor } from "../base/tensor.ts";
import { input, type Value } from "../graph/value.ts";
import { add, mul } from "../ops/arithmetic.ts";
import type { Engine, Feeds, Program } from "../platform/platform.ts";
import type { TrainingState } from "./state.ts";
import {
  type Batch,
  batchFeeds,
  buildGradients,
  buildUpdate,
  compileLowered,
  fed,
  nextName,
  nextNamed,
  type Recipe,
  type Step,
  stateFeeds,
  updateFeeds,
  updateInputs,
} from "./step.ts";

/**
 * A step for batches that are computed in parts of `partSize` samples at most, so that memory is that of a part: gradients are
 * summed, each part by its share of the batch, and the optimiser runs once. Equal to one large step but for rounding and for
 * batch normalisation, which sees the parts. Whoever compiles it disposes of it.
 */
export async function compileAccumulatedStep(
  recipe: Recipe,
  count: number,
  partSize: number,
  dtype: "float32" | "uint8",
  engine: Engine,
): Promise<Step> {
  const sizes = Array.from({ length: Math.ceil(count / partSize) }, (_, i) => Math.min(partSize, count - i * partSize));
  const parts = new Map<number, Part>();
  for (const size of sizes) if (!parts.has(size)) parts.set(size, await compilePart(recipe, size, dtype, engine));
  const [first] = parts.values();
  if (first === undefined) throw new Error("a batch has at least one part");
  const update = await compileUpdate(recipe, first.trainable, engine);
  return {
    target: { ...first.target, shape: [count, ...first.target.shape.slice(1)] },
    async run(state, batch, learningRate) {
      let sums: Feeds = zerosOf(first.trainable);
      let loss = 0;
      const predictions: Tensor[] = [];
      let start = 0;
      for (const size of sizes) {
        const part = parts.get(size) ?? first;
        const share = { share: Tensor.float32([], [size / count]) };
        const feeds = { ...batchFeeds(rowsOf(batch, start, size)), ...share, ...sums, ...stateFeeds(state) };
        const results = await part.program.run(fed(part.program, feeds), part.into(state));
        const { loss: own, predictions: shown } = results;
        if (own === undefined || shown === undefined) throw new Error("the step returned no loss");
        loss += own.floats[0] ?? Number.NaN;
        predictions.push(shown);
        if (!Number.isFinite(loss)) return { loss, predictions: joined(predictions, count) };
        sums = sumsIn(results, first.trainable);
        state.swap(part.moved);
        start += size;
      }
      await update.run(state, sums, learningRate);
      return { loss, predictions: joined(predictions, count) };
    },
    async dispose() {
      for (const { program } of parts.values()) await program.dispose();
      await update.program.dispose();
    },
  };
}

interface Part {
  readonly program: Program;
  readonly target: Step["target"];
  readonly trainable: Recipe["trainable"];
  /** Running statistics, which every part moves. */
  readonly moved: readonly string[];
  into(state: TrainingState): Feeds;
}

/** Loss times the part's share, and the sum of gradients so far plus this part's. */
async function compilePart(recipe: Recipe, size: number, dtype: "float32" | "uint8", engine: Engine): Promise<Part> {
  const graph = buildGradients(recipe, size, dtype);
  const share = input("share", "float32", []);
  const sums = graph.trainable.map(({ path, shape }) => input(sumName(path), "float32", shape));
  const outputs = new Map<string, Value>([
    ["loss", mul(graph.loss, share)],
    ["predictions", graph.predictions],
    ...graph.trainable.map(({ path }, i): [string, Value] => [
      nextName(sumName(path)),
      add(sums[i] as Value, mul(graph.gradients[i] as Value, share)),
    ]),
    ...nextNamed(graph.build.updates),
  ]);
  const parameters = recipe.network.parameters.list.map(({ value }) => value);
  const moved = [...graph.build.updates.keys()];
  const inputs = [...graph.inputs, share, ...parameters, ...sums];
  return {
    program: await compileLowered("gradients", inputs, outputs, engine, recipe.recompute),
    target: graph.target,
    trainable: graph.trainable,
    moved,
    into: (state) => Object.fromEntries(moved.map((path) => [nextName(path), state.spare(path)])),
  };
}

/** The optimiser alone, on summed gradients. */
async function compileUpdate(recipe: Recipe, trainable: Recipe["trainable"], engine: Engine) {
  const gradients = trainable.map(({ path, shape }) => input(sumName(path), "float32", shape));
  const update = buildUpdate(recipe, trainable, gradients);
  const next = new Map([...update.parameters, ...update.slots.map(({ path, next }) => [path, next] as const)]);
  const inputs = [...trainable.map(({ value }) => value), ...gradients, ...updateInputs(update)];
  const program = await compileLowered("update", inputs, new Map(nextNamed(next)), engine);
  return {
    program,
    async run(state: TrainingState, sums: Feeds, learningRate: number) {
      state.ensureSlots(update.slots);
      const feeds = { ...sums, ...updateFeeds(update, state, learningRate), ...stateFeeds(state) };
      const into = Object.fromEntries([...next.keys()].map((path) => [nextName(path), state.spare(path)]));
      await program.run(fed(program, feeds), into);
      state.swap(next.keys());
      state.step++;
    },
  };
}

function sumName(path: string): string {
  return `${path}/gradient`;
}

function zerosOf(trainable: Recipe["trainable"]): Feeds {
  return Object.fromEntries(
    trainable.map(({ path, shape }) => [
      sumName(path),
      Tensor.of("float32", shape, new Float32Array(shape.reduce((a, b) => a * b, 1))),
    ]),
  );
}

function sumsIn(results: Feeds, trainable: Recipe["trainable"]): Feeds {
  const found = trainable.map(({ path }) => [sumName(path), results[nextName(sumName(path))]] as const);
  return Object.fromEntries(found.flatMap(([name, tensor]) => (tensor === undefined ? [] : [[name, tensor] as const])));
}

function rowsOf(batch: Batch, start: number, count: number): Batch {
  const rows = ({ dtype, shape, bytes }: Tensor) => {
    const size = bytes.length / (shape[0] ?? 1);
    // Copied: a view of a typed array needs an aligned start.
    return new Tensor(dtype, [count, ...shape.slice(1)], bytes.slice(start * size, (start + count) * size));
  };
  return { x: rows(batch.x), y: rows(batch.y), weights: rows(batch.weights), dropoutKeys: rows(batch.dropoutKeys) };
}

/** The parts' rows one after another. */
function joined(parts: readonly Tensor[], count: number): Tensor {
  const [first] = parts;
  const values = new Float32Array(parts.reduce((total, { size }) => total + size, 0));
  let offset = 0;
  for (const { floats } of parts) {
    values.set(floats, offset);
    offset += floats.length;
  }
  return Tensor.of("float32", [Math.min(count, values.length), ...(first?.shape.slice(1) ?? [])], values);
}
