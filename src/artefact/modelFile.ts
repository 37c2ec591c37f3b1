import type { Backbone } from "../backbones/onnxBackbone.ts";
import { imagesWithin } from "../backbones/stageMaps.ts";
import { backboneName } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { TargetColumn } from "../data/targetColumns.ts";
import { emit } from "../graph/emit.ts";
import { rewriteNamed } from "../graph/rewrite.ts";
import { substitute } from "../graph/substitute.ts";
import { constant, input, type Value } from "../graph/value.ts";
import { normalise, type Preparation, prepare } from "../image/prepare.ts";
import { calibratedProbabilities, logitsOf } from "../nn/calibratedOutput.ts";
import { featuresBefore, forward, type Network } from "../nn/network.ts";
import { startBuild } from "../nn/scope.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { importModel } from "../ops/importModel.ts";
import { imageInput, type ModelAnswers, type ModelMetadata, metadataOf, unknownLabelEntry } from "./modelMetadata.ts";
import { targetTrustEntries, trustEntries } from "./statedTrust.ts";
import { type TargetTrust, type Trust, trusted } from "./trust.ts";

/** Everything that a served model is made of. */
export interface ModelParts {
  readonly name: string;
  readonly answers:
    | (ModelAnswers & { readonly kind: "classes" })
    | {
        readonly kind: "targets";
        /** Each with the layer of the network that gives its probabilities, or its number, and how the former are calibrated. */
        readonly targets: readonly {
          readonly column: TargetColumn;
          readonly layer: string;
          readonly trust?: TargetTrust | undefined;
        }[];
      };
  readonly preparation: Preparation;
  /** Between the prepared pixels and `network`; without it the network takes the pixels. */
  readonly backbone: Backbone | undefined;
  readonly network: Network;
  /** The network's parameters, by path. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Of a classifier of one label: how its probabilities are calibrated, and what was promised on validation images. */
  readonly trust?: Trust | undefined;
}

/**
 * One ONNX file from raw bytes to probabilities: prepare, normalise, backbone and network.
 * Input `image`: uint8 [N, H, W, 3], RGB, any size. Output `probabilities`: float32 [N, classes]; of several targets one output each,
 * called as the target is: probabilities, or the number, float32 [N, 1]. With `trust`, probabilities are calibrated, and the output `unknown`,
 * float32 [N], tells how far an image is from those of the training.
 */
export function encodeModelFile(parts: ModelParts): Uint8Array {
  const image = input(imageInput, "uint8", ["N", "H", "W", 3]);
  const pixels = prepare(image, parts.preparation);
  const entry = parts.backbone === undefined ? pixels : featuresOf(parts.backbone, pixels);
  const open = outputsOf(parts, entry);
  const bound = parts.network.parameters.list.map(({ path, value }): [Value, Value] => {
    const tensor = parts.weights.get(path);
    if (tensor === undefined) throw new GraftError("model", `the weights lack "${path}".`);
    return [value, constant(tensor, path)];
  });
  const outputs = Object.fromEntries(rewriteNamed(open, (values) => substitute(values, new Map(bound))));
  const metadata = new Map([
    ["graft.format", "1"],
    ...answersEntries(parts.answers),
    ["graft.preparation", JSON.stringify(parts.preparation)],
    ...trustEntries(parts.trust),
    ...targetTrustEntries(trustByTarget(parts.answers)),
    ...(parts.backbone === undefined ? [] : [["graft.backbone", parts.backbone.name] as const]),
  ]);
  return writeModel(emit({ name: parts.name, inputs: [image], outputs, metadata }));
}

/** The values that are served, by name. */
function outputsOf({ network, answers, trust }: ModelParts, entry: Value): ReadonlyMap<string, Value> {
  const build = startBuild(network.parameters);
  const probabilities = forward(network, entry, build);
  if (answers.kind === "classes") return trusted(probabilities, featuresBefore(network, entry, build), trust);
  return new Map(
    answers.targets.map(({ column, layer, trust: own }) => {
      const value = build.layerOutputs.get(layer);
      if (value === undefined) throw new GraftError("model", `the network has no layer "${layer}".`);
      return [column.name, own === undefined ? value : calibratedProbabilities(logitsOf(value), own.scaling)];
    }),
  );
}

function trustByTarget(answers: ModelParts["answers"]): ReadonlyMap<string, TargetTrust> {
  if (answers.kind === "classes") return new Map();
  return new Map(answers.targets.flatMap(({ column, trust }) => (trust === undefined ? [] : [[column.name, trust]])));
}

function answersEntries(answers: ModelParts["answers"]): readonly (readonly [string, string])[] {
  if (answers.kind === "targets")
    return [["graft.targets", JSON.stringify(answers.targets.map(({ column }) => column))]];
  const { labels, unknownLabel } = answers;
  const entry = ["graft.labels", JSON.stringify(labels)] as const;
  return unknownLabel === undefined ? [entry] : [entry, [unknownLabelEntry, unknownLabel]];
}

function featuresOf(backbone: Backbone, pixels: Value): Value {
  const [features] = substitute(
    [backbone.features],
    new Map([[backbone.input, normalise(pixels, backbone.normalisation)]]),
  );
  return features;
}

/** A model file opened as a graph. */
export interface ServedGraph {
  /** uint8 [N, H, W, 3], any size. */
  readonly image: Value;
  /** Where the network begins: prepared images [N, 3, side, side]. */
  readonly prepared: Value;
  /** [N, classes]. */
  readonly probabilities: Value;
}

/** Throws `model` for a file that Graft did not write. */
export function readServedGraph(bytes: Uint8Array, fileName: string): ServedGraph {
  const model = readModel(bytes, fileName);
  const { cropTo } = metadataOf(model.metadata, fileName).preparation;
  const { inputs, outputs } = importModel(model, { fileName });
  const [image] = inputs;
  const probabilities = outputs.get("probabilities");
  const prepared = probabilities && imagesWithin(probabilities, cropTo);
  if (image !== undefined && probabilities !== undefined && prepared !== undefined)
    return { image, prepared, probabilities };
  throw new GraftError("model", `"${fileName}" does not lead from an image to probabilities. Train it again.`);
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
  const metadata = metadataOf(model.metadata, fileName);
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
