import { architectures } from "../backbones/architectures.ts";
import { GraftError, messageOf } from "../base/errors.ts";
import { sizeOf } from "../base/tensor.ts";
import { nodesOf } from "../graph/traverse.ts";
import { input, type Node, type Value } from "../graph/value.ts";
import { initialTensors } from "../nn/initialTensors.ts";
import { buildLoss } from "../nn/loss.ts";
import { batchInput, forward, type Network } from "../nn/network.ts";
import { type Parameter, Parameters, startBuild } from "../nn/scope.ts";
import { groupOf } from "../optim/groups.ts";
import type { FitOptions, Model } from "../train/model.ts";
import type { Recipe } from "../train/step.ts";
import { type PixelForm, pixelFormOf, type Range } from "./pixelForm.ts";
import type { SampleFacts } from "./sampleFacts.ts";

/** What a compiled model and its samples are, before anything is trained. */
export interface ModelFacts {
  readonly inputShape: readonly number[];
  /** Numbers in one output. */
  readonly width: number;
  readonly ending: "softmax" | "sigmoid" | "other";
  readonly loss: LossFacts;
  /** The layer that takes another's class probabilities as its features. */
  readonly onProbabilities: string | undefined;
  readonly parameters: ParameterFacts;
  readonly pixels: PixelFacts;
  readonly data: SampleFacts;
  /** Classes that the labels name, those of the validation included; nothing where they name none. */
  readonly classes: number | undefined;
}

export interface LossFacts {
  readonly name: string;
  /** What its targets are; nothing where it cannot be written on this model. */
  readonly wants: "classes" | "values" | undefined;
  /** Why it cannot. */
  readonly refusal: string | undefined;
  /** A softmax of a softmax, or of a sigmoid. */
  readonly isSoftmaxTwice: boolean;
}

export interface ParameterFacts {
  readonly total: number;
  readonly trained: number;
  /** Numbers of backbones whose weights were loaded, by whether training may change them. */
  readonly pretrained: { readonly trained: number; readonly frozen: number };
  /** Layers that are frozen and as they were drawn. */
  readonly randomFrozen: readonly string[];
  /** Whether training measures statistics of batch normalisation. */
  readonly measuresStatistics: boolean;
  /** Layers of batch normalisation that are frozen, and whose statistics training moves. */
  readonly movingFrozen: readonly string[];
}

export interface PixelFacts {
  /** After the rescalings at the model's beginning. */
  readonly range: Range;
  readonly rescalings: number;
  /** The first layer after them. */
  readonly layer: string;
  /** How a published architecture wants its pixels; nothing for other layers. */
  readonly wanted: { readonly form: PixelForm; readonly range: Range } | undefined;
  readonly isNormalisedThere: boolean;
  /** Whether samples are images. */
  readonly isImages: boolean;
}

interface Trained {
  readonly recipe: Recipe;
  /** Layers that are as they were drawn. */
  readonly fresh: readonly string[];
}

/** Gathers the facts. Throws `usage` when the model is not compiled. */
export function modelFactsOf(
  model: Model,
  options: FitOptions,
  { data, classes }: Pick<ModelFacts, "data" | "classes">,
): ModelFacts {
  const recipe = model.recipe(options);
  const { network } = recipe;
  const trained = { recipe, fresh: freshLayers(model) };
  const build = startBuild(network.parameters);
  const output = forward(network, batchInput(network, 2, "float32"), build);
  return {
    inputShape: network.inputShape,
    width: sizeOf(output.staticShape.slice(1)),
    ending: endingOf(output),
    loss: lossFacts(recipe),
    onProbabilities: layerOnProbabilities(network),
    parameters: parameterFacts(trained),
    pixels: pixelFacts(trained, data),
    data,
    classes,
  };
}

function lossFacts({ network, loss }: Recipe): LossFacts {
  const build = startBuild(network.parameters);
  const output = forward(network, batchInput(network, 2, "float32"), build);
  try {
    const { target, perSample } = buildLoss(loss, output, build);
    const isSoftmaxTwice = nodesOf([perSample]).some((node) => isSoftmax(node) && isProbability(node.inputs[0]));
    const wants = target.dtype === "int32" ? "classes" : "values";
    return { name: loss.name, wants, refusal: undefined, isSoftmaxTwice };
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { name: loss.name, wants: undefined, refusal: messageOf(error), isSoftmaxTwice: false };
  }
}

function isSoftmax({ operator: { name } }: Node): boolean {
  return name === "Softmax" || name === "LogSoftmax";
}

function endingOf(output: Value): ModelFacts["ending"] {
  const name = producerOf(output)?.operator.name;
  if (name === "Softmax") return "softmax";
  return name === "Sigmoid" ? "sigmoid" : "other";
}

function isProbability(value: Value | undefined): boolean {
  return value !== undefined && endingOf(value) !== "other";
}

/** Operators that move numbers and leave them as they are. */
const carrying = new Set(["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast"]);

/** What computes a value, whatever carries it. */
function producerOf(value: Value | undefined): Node | undefined {
  let current = value;
  while (current?.source.kind === "node") {
    const { node } = current.source;
    if (!carrying.has(node.operator.name)) return node;
    current = node.inputs[0];
  }
  return undefined;
}

/** Attention multiplies by a softmax too, but not with a parameter. */
function layerOnProbabilities(network: Network): string | undefined {
  const output = forward(network, batchInput(network, 2, "float32"), startBuild(network.parameters));
  const found = nodesOf([output]).find(
    ({ operator: { name }, inputs: [data, weight] }) =>
      (name === "Gemm" || name === "MatMul") &&
      weight?.source.kind === "input" &&
      producerOf(data)?.operator.name === "Softmax",
  );
  const weight = found?.inputs[1];
  return weight?.source.kind === "input" ? layerOf(weight.source.name) : undefined;
}

function parameterFacts({ recipe, fresh }: Trained): ParameterFacts {
  const { network } = recipe;
  const isTrained = new Set(trainedOf(recipe).map(({ path }) => path));
  const frozen = network.parameters.trainable.filter(({ path }) => !isTrained.has(path));
  const frozenLayers = new Set(frozen.map(({ path }) => layerOf(path)));
  const backbones = new Set(network.steps.flatMap(({ name, layer }) => (layer.kind === "Functional" ? [name] : [])));
  const isLoaded = ({ path }: Parameter) => backbones.has(layerOf(path)) && !fresh.includes(layerOf(path));
  const normalisations = statisticsOwners(recipe);
  return {
    total: count(network.parameters.trainable),
    trained: count(trainedOf(recipe)),
    randomFrozen: fresh.filter((layer) => frozenLayers.has(layer)),
    pretrained: { trained: count(trainedOf(recipe).filter(isLoaded)), frozen: count(frozen.filter(isLoaded)) },
    measuresStatistics: normalisations.length > 0,
    movingFrozen: normalisations.filter((owner) => {
      const own = network.parameters.trainable.filter(({ path }) => path.startsWith(`${owner}/`));
      return own.length > 0 && own.every(({ path }) => !isTrained.has(path));
    }),
  };
}

function trainedOf({ trainable, optimizer: { groups } }: Recipe): readonly Parameter[] {
  return trainable.filter(({ path }) => groupOf(groups, path)?.frozen !== true);
}

function count(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Layers whose smallest random parameter has the value that it was drawn with. */
function freshLayers(model: Model): readonly string[] {
  const drawn = model.network.parameters.trainable
    .filter(({ initializer }) => initializer !== "zeros" && initializer !== "ones")
    .sort((a, b) => sizeOf(a.shape) - sizeOf(b.shape));
  const weights = model.weights();
  return [...new Set(drawn.map(({ path }) => layerOf(path)))].filter((layer) => {
    const smallest = drawn.find(({ path }) => layerOf(path) === layer);
    const now = smallest && weights.get(smallest.path)?.floats;
    if (smallest === undefined || now === undefined) return false;
    // A backbone without weights is drawn by the seed 0.
    return [model.seed, 0].some((seed) => sameNumbers(now, freshly(smallest, seed)));
  });
}

function freshly({ path, shape, ...options }: Parameter, seed: number): Float32Array {
  const parameters = new Parameters();
  parameters.define(path, shape, options);
  return initialTensors(parameters, seed).get(path)?.floats ?? new Float32Array();
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Layers whose statistics a training step moves. */
function statisticsOwners({ network, statistics }: Recipe): readonly string[] {
  const build = startBuild(network.parameters, input("dropoutKeys", "uint32", [2]), statistics);
  forward(network, batchInput(network, 2, "float32"), build);
  return [...new Set([...build.updates.keys()].map((path) => path.slice(0, path.lastIndexOf("/"))))];
}

/** The name of the layer at the top that a path belongs to. */
function layerOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function pixelFacts({ recipe, fresh }: Trained, { range }: SampleFacts): PixelFacts {
  const { network } = recipe;
  let { min, max } = range;
  let rescalings = 0;
  for (const { layer } of network.steps) {
    if (layer.kind !== "Rescaling") break;
    const { scale, offset } = layer.config;
    const scaled = [min, max].map((value) => value * Number(scale) + Number(offset));
    [min, max] = [Math.min(...scaled), Math.max(...scaled)];
    rescalings++;
  }
  const first = network.steps[rescalings];
  const isPretrained =
    !fresh.includes(first?.name ?? "") || trainedOf(recipe).every(({ path }) => layerOf(path) !== first?.name);
  const architecture = first?.layer.kind === "Functional" && isPretrained ? architectures.get(first.name) : undefined;
  return {
    range: { min, max },
    rescalings,
    layer: first?.name ?? "",
    wanted: architecture === undefined ? undefined : wantedOf(architecture.normalisation),
    isNormalisedThere: first?.layer.kind === "BatchNormalization",
    isImages: network.inputShape.length === 3,
  };
}

/** What becomes of levels of 0 and 255. */
function wantedOf({ scale, offset }: { readonly scale: readonly number[]; readonly offset: readonly number[] }) {
  const ends = scale.flatMap((factor, channel) => [0, 255].map((level) => level * factor + (offset[channel] ?? 0)));
  const range = { min: Math.min(...ends), max: Math.max(...ends) };
  return { form: pixelFormOf(range), range };
}
