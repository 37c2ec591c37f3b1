import { Tensor } from "../base/tensor.ts";
import { rewriteNamed } from "../graph/rewrite.ts";
import type { Value } from "../graph/value.ts";
import { buildLoss, type Loss } from "../nn/loss.ts";
import { batchInput, forward, type Network } from "../nn/network.ts";
import { type Build, startBuild } from "../nn/scope.ts";
import { foldBatchNorm } from "../ops/foldBatchNorm.ts";
import type { Engine, Program } from "../platform/platform.ts";
import { cutBatches, targetTensor } from "./batches.ts";
import type { TrainingData } from "./data.ts";
import { type Measure, MeasureSums } from "./measures.ts";
import type { TrainingState } from "./state.ts";
import { compileLowered } from "./step.ts";

const rowsShown = 64;

/** Names values of a network's graph; the same ones each time. */
export type Show = (
  network: Network,
  graph: { readonly x: Value; readonly predictions: Value; readonly build: Build },
) => Readonly<Record<string, Value>>;

/** Measures a network on data; keeps its compiled programs until disposed of. */
export class Evaluator {
  readonly #network: Network;
  readonly #engine: Engine;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(network: Network, engine: Engine) {
    this.#network = network;
    this.#engine = engine;
  }

  /** Mean loss and measures over all of `data`. */
  async evaluate(
    data: TrainingData,
    state: TrainingState,
    options: { readonly loss: Loss; readonly measures: readonly Measure[]; readonly batchSize: number },
  ): Promise<Record<string, number>> {
    const { loss, measures, batchSize } = options;
    const measured = new MeasureSums();
    let total = 0;
    for (const indices of cutBatches(
      Uint32Array.from({ length: data.count }, (_, i) => i),
      batchSize,
    )) {
      const { program, target } = await this.#withLoss(indices.length, data.inputDType, loss);
      const y = targetTensor(data.targets, indices, target, loss.name);
      const { losses, predictions } = await program.run(
        this.#feeds(program, state, await data.load(indices, undefined), y),
      );
      if (losses === undefined || predictions === undefined) throw new Error("the evaluation returned no loss");
      for (const value of losses.floats) total += value;
      measured.add(measures, predictions, y);
    }
    return { loss: total / data.count, ...measured.means(measures) };
  }

  /** The network's outputs for all of `data`, one row a sample. */
  async predict(data: TrainingData, state: TrainingState, batchSize: number): Promise<Tensor> {
    const rows: Float32Array[] = [];
    let width = 0;
    for (const indices of cutBatches(
      Uint32Array.from({ length: data.count }, (_, i) => i),
      batchSize,
    )) {
      const program = await this.#plain(indices.length, data.inputDType);
      const { predictions } = await program.run(this.#feeds(program, state, await data.load(indices, undefined)));
      if (predictions === undefined) throw new Error("the prediction returned nothing");
      rows.push(predictions.floats.slice());
      width = predictions.size / indices.length;
    }
    const all = new Float32Array(data.count * width);
    let offset = 0;
    for (const row of rows) {
      all.set(row, offset);
      offset += row.length;
    }
    return Tensor.of("float32", [data.count, width], all);
  }

  /** Values within the network for all of `data`, one row a sample: what `show` names of its graph, whose input is `x`. */
  async shown(data: TrainingData, state: TrainingState, show: Show): Promise<ReadonlyMap<string, Float32Array>> {
    const rows = new Map<string, Float32Array>();
    const all = Uint32Array.from({ length: data.count }, (_, i) => i);
    let done = 0;
    for (const indices of cutBatches(all, rowsShown)) {
      const x = batchInput(this.#network, indices.length, data.inputDType);
      const build = startBuild(this.#network.parameters);
      const predictions = forward(this.#network, x, build);
      const key = `shown ${indices.length} ${data.inputDType}`;
      const program = await this.#compiled(key, [x], show(this.#network, { x, predictions, build }));
      const found = await program.run(this.#feeds(program, state, await data.load(indices, undefined)));
      for (const [name, { floats }] of Object.entries(found)) {
        const width = floats.length / indices.length;
        const into = rows.get(name) ?? new Float32Array(data.count * width);
        into.set(floats, done * width);
        rows.set(name, into);
      }
      done += indices.length;
    }
    return rows;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).dispose();
    this.#programs.clear();
  }

  #feeds(program: Program, state: TrainingState, x: Tensor, y?: Tensor): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = { input: x };
    for (const name of program.inputNames) {
      if (name === "target" && y !== undefined) feeds[name] = y;
      else if (name !== "input") feeds[name] = state.get(name);
    }
    return feeds;
  }

  async #withLoss(count: number, dtype: "float32" | "uint8", loss: Loss) {
    const build = startBuild(this.#network.parameters);
    const x = batchInput(this.#network, count, dtype);
    const predictions = forward(this.#network, x, build);
    const { target, fed, perSample } = buildLoss(loss, predictions, build);
    const outputs = { losses: perSample, predictions };
    const program = await this.#compiled(`${loss.name} ${count} ${dtype}`, [x, fed], outputs);
    return { program, target };
  }

  #plain(count: number, dtype: "float32" | "uint8"): Promise<Program> {
    const x = batchInput(this.#network, count, dtype);
    const predictions = forward(this.#network, x, startBuild(this.#network.parameters));
    return this.#compiled(`predict ${count} ${dtype}`, [x], { predictions });
  }

  #compiled(key: string, inputs: readonly Value[], outputs: Readonly<Record<string, Value>>): Promise<Program> {
    const known = this.#programs.get(key) ?? this.#compile(inputs, outputs);
    this.#programs.set(key, known);
    return known;
  }

  async #compile(inputs: readonly Value[], outputs: Readonly<Record<string, Value>>): Promise<Program> {
    const parameters = this.#network.parameters.list.map(({ value }) => value);
    const folded = rewriteNamed(new Map(Object.entries(outputs)), foldBatchNorm);
    return compileLowered("evaluate", [...inputs, ...parameters], folded, this.#engine);
  }
}
