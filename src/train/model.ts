import { didYouMean, GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Layer, SymbolicTensor } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import { type LossName, losses } from "../nn/losses.ts";
import { functionalNetwork, type Network, sequentialNetwork } from "../nn/network.ts";
import type { Parameter, Statistics } from "../nn/scope.ts";
import { summary } from "../nn/summary.ts";
import { type OptimizerName, optimizers } from "../optim/optimizers.ts";
import type { Optimizer } from "../optim/rule.ts";
import { constantSchedule, type Schedule } from "../optim/schedules.ts";
import type { Platform } from "../platform/platform.ts";
import type { Callback } from "./callbacks.ts";
import { type ArraysInput, arrays, type TrainingData } from "./data.ts";
import { Evaluator } from "./evaluator.ts";
import { type FitEvent, fit } from "./fit.ts";
import { checkMeasures, type Measure, type MeasureName, measures } from "./measures.ts";
import type { EpochLog } from "./progress.ts";
import { initialTensors, TrainingState } from "./state.ts";
import type { Recipe } from "./step.ts";

export interface CompileOptions {
  /** An optimiser or its name with default settings. Default rmsprop, as in Keras. */
  readonly optimizer?: Optimizer | OptimizerName;
  /** A loss or its name; several as `weightedSum`, your own as an object of the form `Loss`. */
  readonly loss: Loss | LossName;
  readonly metrics?: readonly MeasureName[];
}

export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Samples computed at once, where a whole batch would not fit into memory; gradients are summed. Default the batch. */
  readonly partSize?: number;
  /** Computes activations again in the backward pass instead of keeping all of them: less memory, more time, the same bits. */
  readonly recompute?: boolean;
  /** `frozen` keeps the running statistics of batch normalisation, as pretrained layers need them. Default `measured`. */
  readonly statistics?: Statistics;
  readonly validation?: Data;
  readonly callbacks?: readonly Callback[];
  /** The learning rate over the run, as a multiple of the optimiser's. Default constant. */
  readonly schedule?: Schedule;
  /** Decides order, dropout and augmentation. Default the model's seed. */
  readonly seed?: number;
  /** The weight of each class in the loss, by index. */
  readonly classWeights?: readonly number[];
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: FitEvent) => void;
}

export interface FunctionalOptions {
  readonly seed?: number;
  readonly name?: string;
  /** Further ends of the model, for losses alone (`lossAt`). */
  readonly auxiliary?: readonly SymbolicTensor[];
}

/** Arrays with `x` and `y`, or anything that loads batches. */
export type Data = TrainingData | Omit<ArraysInput, "inputShape">;

export interface History {
  /** One entry per epoch for each log, as in Keras. */
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly epochs: readonly EpochLog[];
  readonly stopReason: string | undefined;
}

/** A network with its weights and the means to train it. */
export class Model {
  readonly name: string;
  readonly network: Network;
  readonly seed: number;
  readonly #platform: Platform;
  #state: TrainingState;
  #compiled: { readonly optimizer: Optimizer; readonly loss: Loss; readonly measures: readonly Measure[] } | undefined;
  #trainable: (path: string) => boolean = () => true;

  constructor(network: Network, platform: Platform, options: { readonly seed?: number; readonly name?: string } = {}) {
    this.network = network;
    this.name = options.name ?? "sequential";
    this.#platform = platform;
    this.seed = options.seed ?? 0;
    this.#state = new TrainingState(initialTensors(network.parameters, this.seed));
  }

  /** Sets loss, optimiser and metrics; forgets the optimiser's memory. */
  compile({ optimizer = "rmsprop", loss, metrics = [] }: CompileOptions): void {
    checkMeasures(metrics);
    this.#compiled = {
      optimizer: typeof optimizer === "string" ? named("optimizer", optimizers, optimizer)() : optimizer,
      loss: typeof loss === "string" ? named("loss", losses, loss)() : loss,
      measures: metrics.map((name) => measures[name]),
    };
    this.#state = new TrainingState(this.weights());
  }

  /** Chooses by path (`conv2d/kernel`) which parameters training may change. */
  setTrainable(trainable: (path: string) => boolean): void {
    this.#trainable = trainable;
  }

  /** Parameters by path. */
  weights(): Map<string, Tensor> {
    return this.#state.snapshot(this.network.parameters.list);
  }

  /** Replaces the named parameters. Throws `shape` for an unknown path or another shape. */
  setWeights(weights: ReadonlyMap<string, Tensor>): void {
    const parameters = new Map(this.network.parameters.list.map((parameter) => [parameter.path, parameter]));
    for (const [path, tensor] of weights) checkWeight(path, tensor, parameters);
    this.#state.restore(weights);
  }

  /** What `fit` would train, and how. */
  recipe({ recompute = false, statistics = "measured" }: Pick<FitOptions, "recompute" | "statistics"> = {}): Recipe {
    const { optimizer, loss } = this.#requireCompiled("fit");
    const trainable = this.network.parameters.trainable.filter(({ path }) => this.#trainable(path));
    return { network: this.network, loss, optimizer, trainable, recompute, statistics };
  }

  /** The layer table as Keras prints it. */
  summary(): string {
    return summary(this.network, this.name);
  }

  /** Trains; resolves with the history. Throws `diverged` when the loss is not a number. */
  async fit(train: Data, options: FitOptions = {}): Promise<History> {
    const {
      epochs = 1,
      batchSize = 32,
      validation,
      callbacks = [],
      schedule = constantSchedule(),
      seed = this.seed,
    } = options;
    checkWhole("epochs", epochs);
    checkWhole("batchSize", batchSize);
    if (options.partSize !== undefined) checkWhole("partSize", options.partSize);
    const recipe = this.recipe(options);
    const { measures } = this.#requireCompiled("fit");
    const run = fit(
      {
        recipe,
        train: this.#data(train),
        validation: validation === undefined ? undefined : this.#data(validation),
        epochs,
        batchSize,
        ...(options.partSize === undefined ? {} : { partSize: options.partSize }),
        seed,
        schedule,
        classWeights: options.classWeights,
        measures,
        callbacks,
      },
      this.#state,
      {
        engine: this.#platform.engine,
        store: this.#platform.store,
        nowMs: () => this.#platform.nowMs(),
        signal: options.signal,
      },
    );
    for (;;) {
      const next = await run.next();
      if (next.done) return historyOf(next.value.history, next.value.stopReason);
      options.onEvent?.(next.value);
    }
  }

  /** Mean loss and metrics over `data`. */
  async evaluate(
    data: Data,
    { batchSize = 64 }: { readonly batchSize?: number } = {},
  ): Promise<Record<string, number>> {
    const { loss, measures } = this.#requireCompiled("evaluate");
    const evaluator = new Evaluator(this.network, this.#platform.engine);
    try {
      return await evaluator.evaluate(this.#data(data), this.#state, { loss, measures, batchSize });
    } finally {
      await evaluator.dispose();
    }
  }

  /** The model's outputs for samples `x` (channels last, one after another), one row a sample. */
  async predict(
    x: Float32Array | Uint8Array,
    { batchSize = 64 }: { readonly batchSize?: number } = {},
  ): Promise<Tensor> {
    const { inputShape } = this.network;
    const count = x.length / inputShape.reduce((a, b) => a * b, 1);
    const evaluator = new Evaluator(this.network, this.#platform.engine);
    try {
      return await evaluator.predict(
        arrays({ x, y: new Int32Array(Math.ceil(count)), inputShape }),
        this.#state,
        batchSize,
      );
    } finally {
      await evaluator.dispose();
    }
  }

  #data(data: Data): TrainingData {
    return "load" in data ? data : arrays({ ...data, inputShape: this.network.inputShape });
  }

  #requireCompiled(method: string) {
    if (this.#compiled !== undefined) return this.#compiled;
    throw new GraftError(
      "usage",
      `model.${method}(): the model is not compiled. Call model.compile({ optimizer, loss, metrics }) first.`,
    );
  }
}

/** A model of layers one after another, on `platform`. */
export function sequentialModel(
  layers: readonly Layer[],
  options: { readonly inputShape: readonly number[]; readonly seed?: number; readonly name?: string },
  platform: Platform,
): Model {
  return new Model(sequentialNetwork(layers, options.inputShape), platform, options);
}

/** A model of any wiring, by its output, on `platform`. */
export function functionalModel(output: SymbolicTensor, options: FunctionalOptions, platform: Platform): Model {
  const { auxiliary, ...rest } = options;
  return new Model(functionalNetwork(output, auxiliary), platform, { name: "functional", ...rest });
}

function named<T extends object, K extends keyof T & string>(what: string, table: T, name: K): T[K] {
  if (Object.hasOwn(table, name)) return table[name];
  throw new GraftError("usage", `unknown ${what} "${name}".${didYouMean(name, Object.keys(table))}`);
}

function checkWhole(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new GraftError("usage", `${name}: found ${value}; expected a whole number ≥ 1.`);
}

function checkWeight(path: string, tensor: Tensor, parameters: ReadonlyMap<string, Parameter>): void {
  const parameter = parameters.get(path);
  if (parameter === undefined) {
    throw new GraftError("shape", `the model has no parameter "${path}".${didYouMean(path, parameters.keys())}`);
  }
  if (parameter.shape.join() !== tensor.shape.join() || tensor.dtype !== "float32") {
    throw new GraftError(
      "shape",
      `"${path}": found ${tensor.dtype} [${tensor.shape}], expected float32 [${parameter.shape}].`,
    );
  }
}

function historyOf(epochs: readonly EpochLog[], stopReason: string | undefined): History {
  const history: Record<string, number[]> = {};
  for (const log of epochs) {
    for (const [name, value] of Object.entries(log)) {
      history[name] ??= [];
      history[name].push(value);
    }
  }
  return { history, epochs, stopReason };
}
