import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input, type Value } from "../graph/value.ts";
import { buildLoss, type Loss } from "../nn/loss.ts";
import { batchInput, forward, type Network } from "../nn/network.ts";
import { startBuild } from "../nn/scope.ts";
import { mul } from "../ops/arithmetic.ts";
import { reduceSum } from "../ops/reductions.ts";
import type { Engine, Program } from "../platform/platform.ts";
import { cutBatches, targetTensor } from "../train/batches.ts";
import type { TrainingData } from "../train/data.ts";
import { compileLowered } from "../train/step.ts";

/** Rows that are computed at once. */
const chunkRows = 4096;
/** Inputs up to this size stay in memory between evaluations. */
const residentLimitBytes = 512 * 1024 * 1024;

export interface FullBatchEvaluation {
  /** Σ weight·loss over the rows. */
  readonly sum: number;
  /** Of that sum, one entry a parameter in the order of the network's. */
  readonly gradient: Float64Array;
  /** The loss of each row, whatever its weight. */
  readonly losses: Float32Array;
  /** The network's outputs, one row a sample. */
  readonly predictions: Float32Array;
}

/** The loss of a network over a whole data set, and its gradient: for solvers that want exact values instead of batches. */
export class FullBatchLoss {
  readonly #network: Network;
  readonly #data: TrainingData;
  readonly #program: Program;
  readonly #chunks: readonly Uint32Array[];
  readonly #targets: readonly Tensor[];
  readonly #resident = new Map<number, Tensor>();
  readonly #rows: number;

  private constructor(
    network: Network,
    data: TrainingData,
    parts: { readonly program: Program; readonly rows: number; readonly targets: readonly Tensor[] },
  ) {
    this.#network = network;
    this.#data = data;
    this.#program = parts.program;
    this.#rows = parts.rows;
    this.#targets = parts.targets;
    this.#chunks = chunksOf(data.count, parts.rows);
  }

  static async compile(network: Network, loss: Loss, data: TrainingData, engine: Engine): Promise<FullBatchLoss> {
    const rows = Math.min(chunkRows, data.count);
    const x = batchInput(network, rows, "float32");
    const weights = input("weights", "float32", [rows]);
    const build = startBuild(network.parameters);
    const predictions = forward(network, x, build);
    const { target, fed, perSample } = buildLoss(loss, predictions, build);
    const values = network.parameters.list.map(({ value }) => value);
    const gradients = differentiate(reduceSum(mul(perSample, weights), { keepdims: 0 }), values);
    const named = network.parameters.list.map(({ path }, i): [string, Value] => [
      gradientName(path),
      gradients[i] as Value,
    ]);
    const outputs = new Map([["losses", perSample], ["predictions", predictions], ...named]);
    const program = await compileLowered("full_batch", [x, fed, weights, ...values], outputs, engine);
    const targets = chunksOf(data.count, rows).map((chunk) =>
      targetTensor(data.targets, padded(chunk, rows), target, loss.name),
    );
    return new FullBatchLoss(network, data, { program, rows, targets });
  }

  /** How many numbers `evaluate` takes. */
  get size(): number {
    return this.#network.parameters.list.reduce((sum, { value }) => sum + sizeOfShape(value.staticShape), 0);
  }

  /** @param weights one a row */
  async evaluate(point: Float64Array, weights: Float64Array): Promise<FullBatchEvaluation> {
    const { count } = this.#data;
    const parameters = this.parametersAt(point);
    const gradient = new Float64Array(point.length);
    const losses = new Float32Array(count);
    let predictions = new Float32Array(0);
    let sum = 0;
    for (const [i, chunk] of this.#chunks.entries()) {
      const start = i * this.#rows;
      const own = new Float32Array(this.#rows);
      for (let row = 0; row < chunk.length; row++) own[row] = weights[start + row] ?? 0;
      const results = await this.#program.run({
        input: await this.#inputs(i, chunk),
        target: this.#targetOf(i),
        weights: Tensor.of("float32", [this.#rows], own),
        ...Object.fromEntries(parameters),
      });
      const found = (name: string) => {
        const tensor = results[name];
        if (tensor === undefined) throw new Error(`the full-batch program returned no "${name}"`);
        return tensor.floats;
      };
      const outputs = found("predictions");
      const width = outputs.length / this.#rows;
      if (i === 0) predictions = new Float32Array(count * width);
      predictions.set(outputs.subarray(0, chunk.length * width), start * width);
      losses.set(found("losses").subarray(0, chunk.length), start);
      let offset = 0;
      for (const path of parameters.keys()) {
        const part = found(gradientName(path));
        for (let k = 0; k < part.length; k++) gradient[offset + k] = (gradient[offset + k] ?? 0) + (part[k] ?? 0);
        offset += part.length;
      }
    }
    for (let row = 0; row < count; row++) if (weights[row] !== 0) sum += (weights[row] ?? 0) * (losses[row] ?? 0);
    return { sum, gradient, losses, predictions };
  }

  /** The network's parameters, by path, from the numbers of a point. */
  parametersAt(point: Float64Array): ReadonlyMap<string, Tensor> {
    const tensors = new Map<string, Tensor>();
    let offset = 0;
    for (const { path, value } of this.#network.parameters.list) {
      const size = sizeOfShape(value.staticShape);
      // Not `from`, which asks an iterator for every number.
      const values = new Float32Array(point.subarray(offset, offset + size));
      tensors.set(path, Tensor.of("float32", value.staticShape, values));
      offset += size;
    }
    return tensors;
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }

  async #inputs(i: number, chunk: Uint32Array): Promise<Tensor> {
    const known = this.#resident.get(i);
    if (known !== undefined) return known;
    const loaded = await this.#data.load(padded(chunk, this.#rows), undefined);
    if (this.#resident.size * loaded.bytes.length < residentLimitBytes) this.#resident.set(i, loaded);
    return loaded;
  }

  #targetOf(i: number): Tensor {
    const target = this.#targets[i];
    if (target === undefined) throw new GraftError("data", "the data set has no samples to learn from.");
    return target;
  }
}

function chunksOf(count: number, rows: number): readonly Uint32Array[] {
  return cutBatches(
    Uint32Array.from({ length: count }, (_, i) => i),
    rows,
  );
}

/** As many indices as a chunk has rows; those too many repeat the first and weigh nothing. */
function padded(chunk: Uint32Array, rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, i) => chunk[i] ?? chunk[0] ?? 0);
}

function gradientName(path: string): string {
  return `gradient:${path}`;
}

function sizeOfShape(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
