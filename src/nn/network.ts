import type { DType } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import type { Dim } from "../base/shapes.ts";
import { sizeOf } from "../base/tensor.ts";
import { input as graphInput, type Value } from "../graph/value.ts";
import { cast } from "../ops/comparison.ts";
import { transpose } from "../ops/layout.ts";
import type { Layer, SymbolicTensor } from "./layer.ts";
import { type Build, Parameters, Scope, startBuild } from "./scope.ts";

/** A wired model: layers in order, each with its name and where its inputs come from. */
export interface Network {
  /** The shape of one sample, channels last. */
  readonly inputShape: readonly number[];
  readonly steps: readonly Step[];
  /** The step whose output is the model's. */
  readonly last: number;
  readonly parameters: Parameters;
}

interface Step {
  readonly name: string;
  readonly layer: Layer;
  /** Indices of earlier steps; -1 is the model's input. */
  readonly from: readonly number[];
}

/** Layers one after another. */
export function sequentialNetwork(layers: readonly Layer[], inputShape: readonly number[]): Network {
  let symbol: SymbolicTensor = { kind: "input", shape: inputShape };
  for (const layer of layers) symbol = layer(symbol);
  return functionalNetwork(symbol);
}

/** The network that computes `output`, and `auxiliary` ones for losses. Throws `usage` when it has no input or several. */
export function functionalNetwork(output: SymbolicTensor, auxiliary: readonly SymbolicTensor[] = []): Network {
  const steps: Step[] = [];
  const indices = new Map<SymbolicTensor, number>();
  const names = new Map<Layer, string>();
  const counts = new Map<string, number>();
  let start: (SymbolicTensor & { kind: "input" }) | undefined;
  const visit = (symbol: SymbolicTensor): number => {
    const known = indices.get(symbol);
    if (known !== undefined) return known;
    if (symbol.kind === "input") {
      if (start !== undefined) throw new GraftError("usage", "the model has two inputs; one is supported.");
      start = symbol;
      indices.set(symbol, -1);
      return -1;
    }
    const from = symbol.inputs.map(visit);
    const name = names.get(symbol.layer) ?? freshName(symbol.layer, counts);
    names.set(symbol.layer, name);
    steps.push({ name, layer: symbol.layer, from });
    indices.set(symbol, steps.length - 1);
    return steps.length - 1;
  };
  const last = visit(output);
  for (const each of auxiliary) visit(each);
  if (start === undefined || steps.length === 0)
    throw new GraftError("usage", "a model needs an input and one layer at least.");
  checkInputShape(start.shape);
  const network = { inputShape: start.shape, steps, last, parameters: new Parameters() };
  // Wrong shapes show now, not at the first batch.
  forward(network, graphInput("input", "float32", ["N", ...start.shape]), startBuild(network.parameters));
  return network;
}

/** Writes the network's graph on `x` [N, H, W, C] (or [N, features]); integer pixels are cast. */
export function forward(network: Network, x: Value, build: Build): Value {
  const floats = x.dtype === "float32" ? x : cast(x, "float32");
  const first = floats.rank === 4 ? transpose(floats, { perm: [0, 3, 1, 2] }) : floats;
  const outputs: Value[] = [];
  const root = new Scope(build);
  for (const { name, layer, from } of network.steps) {
    const y = layer.build(
      root.at(name),
      from.map((index) => (index < 0 ? first : outputs[index])),
    );
    build.layerOutputs.set(name, y);
    outputs.push(y);
  }
  return outputs[network.last];
}

/** What goes into the last layer, [N, width], after `forward` on `x`; nothing where that is no vector. */
export function featuresBefore({ steps, last }: Network, x: Value, build: Build): Value | undefined {
  const [before = -1] = steps[last].from;
  const features = before < 0 ? x : build.layerOutputs.get(steps[before].name);
  return features?.rank === 2 && features.dtype === "float32" ? features : undefined;
}

/** The fed value for a batch. */
export function batchInput(network: Network, batch: Dim, dtype: DType): Value {
  return graphInput("input", dtype, [batch, ...network.inputShape]);
}

/** `(None, 26, 26, 32)`: channels last, the batch open, as Keras prints shapes. */
export function kerasShape(value: Value): string {
  const [, ...rest] = value.shape;
  const lengths = rest.length === 3 ? [rest[1], rest[2], rest[0]] : rest;
  return `(${["None", ...lengths].join(", ")})`;
}

export interface SummaryRow {
  readonly name: string;
  readonly kind: string;
  readonly outputShape: string;
  readonly parameterCount: number;
  readonly inputs: readonly string[];
}

/** One row a layer, for `summary()`. */
export function summaryRows(network: Network): readonly SummaryRow[] {
  const build = startBuild(network.parameters);
  forward(network, batchInput(network, "N", "float32"), build);
  const counted = new Set<string>();
  return network.steps.map(({ name, layer, from }) => {
    const output = build.layerOutputs.get(name);
    const own = network.parameters.list.filter(({ path }) => path.startsWith(`${name}/`) && !counted.has(path));
    for (const { path } of own) counted.add(path);
    return {
      name,
      kind: layer.kind,
      outputShape: output === undefined ? "" : kerasShape(output),
      parameterCount: own.reduce((total, { shape }) => total + sizeOf(shape), 0),
      inputs: from.map((index) => (index < 0 ? "input" : network.steps[index].name)),
    };
  });
}

function freshName(layer: Layer, counts: Map<string, number>): string {
  if (layer.layerName !== undefined) {
    if (counts.has(layer.layerName)) throw new GraftError("usage", `two layers are called "${layer.layerName}".`);
    counts.set(layer.layerName, 1);
    return layer.layerName;
  }
  // Keras' own rule: MaxPooling2D → max_pooling2d, then max_pooling2d_1, …
  const base = layer.kind.replace(/([a-z0-9])([A-Z][a-z])/g, "$1_$2").toLowerCase();
  const used = counts.get(base) ?? 0;
  counts.set(base, used + 1);
  return used === 0 ? base : `${base}_${used}`;
}

function checkInputShape(shape: readonly number[]): void {
  const valid = (shape.length === 1 || shape.length === 3) && shape.every((dim) => Number.isInteger(dim) && dim > 0);
  if (!valid) {
    throw new GraftError(
      "usage",
      `inputShape [${shape}]: expected [height, width, channels] or [features], all positive.`,
    );
  }
}
