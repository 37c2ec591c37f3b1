import { z } from "zod";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { backboneName } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { substitute } from "../graph/substitute.ts";
import { constant, input, type Value } from "../graph/value.ts";
import { normalise, type Preparation, prepare } from "../image/prepare.ts";
import { forward, type Network } from "../nn/network.ts";
import { startBuild } from "../nn/scope.ts";
import type { Model } from "../onnx/model.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";

/** Everything that a served model is made of. */
export interface ModelParts {
  readonly name: string;
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  /** Between the prepared pixels and `network`; without it the network takes the pixels. */
  readonly backbone: Backbone | undefined;
  readonly network: Network;
  /** The network's parameters, by path. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/**
 * One ONNX file from raw bytes to probabilities: prepare, normalise, backbone and network.
 * Input `image`: uint8 [N, H, W, 3], RGB, any size. Output `probabilities`: float32 [N, classes].
 */
export function encodeModelFile(parts: ModelParts): Uint8Array {
  const image = input("image", "uint8", ["N", "H", "W", 3]);
  const pixels = prepare(image, parts.preparation);
  const entry = parts.backbone === undefined ? pixels : featuresOf(parts.backbone, pixels);
  const open = forward(parts.network, entry, startBuild(parts.network.parameters));
  const bound = parts.network.parameters.list.map(({ path, value }): [Value, Value] => {
    const tensor = parts.weights.get(path);
    if (tensor === undefined) throw new GraftError("model", `the weights lack "${path}".`);
    return [value, constant(tensor, path)];
  });
  const [probabilities] = substitute([open], new Map(bound));
  const metadata = new Map([
    ["graft.format", "1"],
    ["graft.labels", JSON.stringify(parts.labels)],
    ["graft.preparation", JSON.stringify(parts.preparation)],
    ...(parts.backbone === undefined ? [] : [["graft.backbone", parts.backbone.name] as const]),
  ]);
  return writeModel(emit({ name: parts.name, inputs: [image], outputs: { probabilities }, metadata }));
}

function featuresOf(backbone: Backbone, pixels: Value): Value {
  const [features] = substitute(
    [backbone.features],
    new Map([[backbone.input, normalise(pixels, backbone.normalisation)]]),
  );
  return features;
}

/** What a model file says of itself. */
export interface ModelMetadata {
  /** In the order of its outputs. */
  readonly labels: readonly string[];
  readonly preparation: Preparation;
}

const pixelCount = z.number().int().positive();
const preparationSchema = z.object({
  resizeTo: pixelCount,
  cropTo: pixelCount,
  interpolation: z.enum(["bilinear", "bicubic"]),
});

/** Throws `model` for a file that Graft did not write. */
export function readMetadata(bytes: Uint8Array, fileName: string): ModelMetadata {
  return metadataOf(readModel(bytes, fileName), fileName);
}

/** A model file opened for its weights. */
export interface ModelWeights extends ModelMetadata {
  /** Whether a pretrained network is part of it. */
  readonly hasBackbone: boolean;
  /** By the paths of the network's parameters; those of a frozen backbone under their own names. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Throws `model` for a file that Graft did not write, or with weights that are no numbers. */
export function readWeights(bytes: Uint8Array, fileName: string): ModelWeights {
  const model = readModel(bytes, fileName);
  const metadata = metadataOf(model, fileName);
  const weights = new Map([...model.graph.initializers].filter(([, { dtype }]) => dtype === "float32"));
  for (const [name, { floats }] of weights) {
    if (floats.every((value) => Number.isFinite(value))) continue;
    throw new GraftError("model", `"${fileName}": "${name}" holds values that are no finite numbers. Train it again.`);
  }
  const isBackbone = (name: string) => name.startsWith(`${backboneName}/`);
  return {
    ...metadata,
    hasBackbone: model.metadata.has("graft.backbone") || [...weights.keys()].some(isBackbone),
    weights,
  };
}

function metadataOf({ metadata }: Model, fileName: string): ModelMetadata {
  const labels = z
    .array(z.string())
    .min(2)
    .safeParse(parseJson(metadata.get("graft.labels")));
  const preparation = preparationSchema.safeParse(parseJson(metadata.get("graft.preparation")));
  if (labels.success && preparation.success) return { labels: labels.data, preparation: preparation.data };
  const lacks = labels.success ? "does not say how its images were prepared" : "carries no labels";
  throw new GraftError("model", `"${fileName}" ${lacks}: it is not a model that "graft train" wrote.`);
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
