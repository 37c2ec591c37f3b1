import { GraftError } from "../base/errors.ts";
import { sameShape } from "../base/shapes.ts";
import { sizeOf } from "../base/tensor.ts";
import { input, type Value } from "../graph/value.ts";
import type { InitializerName } from "./initializers.ts";
import type { Regularizer } from "./regularizers.ts";

/** A named tensor of a model. Everything else about it (rate, freezing, averages) is a query on its path. */
export interface Parameter {
  /** `conv2d_1/kernel`. */
  readonly path: string;
  readonly shape: readonly number[];
  readonly initializer: InitializerName;
  readonly fanIn: number;
  readonly fanOut: number;
  /** False for state that training updates without a gradient, such as running statistics. */
  readonly trainable: boolean;
  readonly regularizer: Regularizer | undefined;
  /** The fed value that stands for it in graphs. */
  readonly value: Value;
}

export interface ParameterOptions {
  readonly initializer: InitializerName;
  readonly fanIn?: number;
  readonly fanOut?: number;
  readonly trainable?: boolean;
  readonly regularizer?: Regularizer | undefined;
}

/** All parameters of a model, in the order of first use; the same ones for its training and its inference graph. */
export class Parameters {
  readonly #byPath = new Map<string, Parameter>();

  get list(): readonly Parameter[] {
    return [...this.#byPath.values()];
  }

  get trainable(): readonly Parameter[] {
    return this.list.filter(({ trainable }) => trainable);
  }

  get count(): number {
    return this.list.reduce((total, { shape }) => total + sizeOf(shape), 0);
  }

  define(path: string, shape: readonly number[], options: ParameterOptions): Parameter {
    const known = this.#byPath.get(path);
    if (known !== undefined) {
      if (sameShape(known.shape, shape)) return known;
      throw new GraftError("shape", `parameter "${path}" is used with shapes [${known.shape}] and [${shape}].`);
    }
    const { initializer, fanIn = 1, fanOut = 1, trainable = true, regularizer } = options;
    const value = input(path, "float32", shape);
    const parameter: Parameter = { path, shape, initializer, fanIn, fanOut, trainable, regularizer, value };
    this.#byPath.set(path, parameter);
    return parameter;
  }
}

export type Statistics = "measured" | "frozen";

/** What one build of a model's graph knows and collects. */
export interface Build {
  readonly parameters: Parameters;
  readonly training: boolean;
  /** [N] uint32, one per sample, for dropout; only in training. */
  readonly dropoutKeys: Value | undefined;
  /** Whether batch normalisation measures and updates its statistics in training, or keeps those it has. */
  readonly statistics: Statistics;
  /** New values of parameters without gradient, by path. */
  readonly updates: Map<string, Value>;
  /** Output of each layer, by its path: for summaries, for losses and for finding the first bad tensor. */
  readonly layerOutputs: Map<string, Value>;
}

/** A place in the tree of parameter names. */
export class Scope {
  readonly path: string;
  readonly build: Build;

  constructor(build: Build, path = "") {
    this.build = build;
    this.path = path;
  }

  at(name: string): Scope {
    return new Scope(this.build, this.path === "" ? name : `${this.path}/${name}`);
  }

  param(name: string, shape: readonly number[], options: ParameterOptions): Value {
    return this.build.parameters.define(this.at(name).path, shape, options).value;
  }

  /** Shows a value inside a layer to losses, under its path. */
  show(name: string, value: Value): void {
    this.build.layerOutputs.set(this.at(name).path, value);
  }

  /** Gives the parameter `name` of this scope a new value at the end of the training step. */
  update(name: string, value: Value): void {
    this.build.updates.set(this.at(name).path, value);
  }
}

/** A fresh build over `parameters`; with `dropoutKeys` it is one for training. */
export function startBuild(parameters: Parameters, dropoutKeys?: Value, statistics: Statistics = "measured"): Build {
  const training = dropoutKeys !== undefined;
  return { parameters, training, dropoutKeys, statistics, updates: new Map(), layerOutputs: new Map() };
}
