import { isFloat } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { isStatic, showShape } from "../base/shapes.ts";
import { substitute } from "../graph/substitute.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constantOf, input, type Node, type Value } from "../graph/value.ts";
import type { Normalisation, Preparation } from "../image/prepare.ts";
import type { Model, ValueInfo } from "../onnx/model.ts";
import { readModel } from "../onnx/read.ts";
import { graphInputs, importModel } from "../ops/importModel.ts";
import { gather } from "../ops/indexing.ts";
import { flatten } from "../ops/layout.ts";
import { globalAveragePool } from "../ops/pooling.ts";
import { type Card, cards, imagenetNormalisation, minusOneToOne } from "./cards.ts";

/** A pretrained network, cut where its features come out. */
export interface Backbone {
  readonly name: string;
  /** float32 [N, 3, size, size], normalised. */
  readonly input: Value;
  /** float32 [N, features]. */
  readonly features: Value;
  readonly width: number;
  readonly preparation: Preparation;
  readonly normalisation: Normalisation;
  /** What had to be assumed, for people to check. */
  readonly warnings: readonly string[];
}

/**
 * Reads an ONNX classifier as a backbone: everything before its last linear layer.
 *
 * @param size side of the input in pixels; by default what the file declares, or 224
 * @throws `model` when the file has no image input or gives no feature vector
 */
export function loadOnnxBackbone(bytes: Uint8Array, fileName: string, sha256: string, size?: number): Backbone {
  return backboneFrom(readModel(bytes, fileName), fileName, sha256, size);
}

/** `loadOnnxBackbone` for a model that was read already: from several files, say. */
export function backboneFrom(model: Model, fileName: string, sha256: string, size?: number): Backbone {
  const image = imageInput(graphInputs(model.graph), fileName);
  const side = size ?? declaredSide(image);
  const fed = input("input", "float32", ["N", 3, side, side]);
  // Imported at the shape that will be fed, so that shape arithmetic in the file is computed for it.
  const imported = importModel(model, { fileName, shapes: new Map([[image.name, fed.shape]]) });
  const cut = featuresOf([...imported.outputs.values()], fileName);
  const card = cards.find((known) => known.sha256 === sha256);
  const seen = card?.channelOrder === "bgr" ? gather(fed, constantOf("int64", [3], [2, 1, 0]), { axis: 1 }) : fed;
  const [features] = substitute([cut], new Map(imported.inputs.map((value) => [value, seen])));
  const width = features.type?.shape[1];
  if (features.type?.shape.length !== 2 || typeof width !== "number") {
    throw new GraftError(
      "model",
      `"${fileName}": its features have shape ${showType(features)}; expected [N, features].`,
    );
  }
  return { name: fileName, input: fed, features, width, ...preprocessing(model, fileName, card, side) };
}

function imageInput(inputs: readonly ValueInfo[], fileName: string): ValueInfo {
  const [image] = inputs;
  if (image !== undefined && inputs.length === 1 && isImageBatch(image)) return image;
  const found = inputs.map(({ dtype, shape }) => `${dtype} ${showDeclared(shape)}`).join(" and ");
  throw new GraftError(
    "model",
    `"${fileName}" takes ${found || "no input"}; expected one image batch, float32 [N, 3, H, W].`,
  );
}

function isImageBatch({ dtype, shape }: ValueInfo): boolean {
  return (
    dtype !== undefined && isFloat(dtype) && shape?.length === 4 && (shape[1] === 3 || typeof shape[1] !== "number")
  );
}

function showDeclared(shape: ValueInfo["shape"]): string {
  return shape === undefined ? "of unknown shape" : `[${shape.map((dim) => dim ?? "?").join(", ")}]`;
}

function declaredSide({ shape = [] }: ValueInfo): number {
  const [, , height, width] = shape;
  if (typeof height === "number" && height === width) return height;
  return 224;
}

/**
 * The data input of the last linear layer on the way to the deepest output. A 1×1 convolution whose maps are pooled
 * into class scores stands for a linear layer: its input, pooled, is the vector that a new head would see.
 */
function featuresOf(outputs: readonly Value[], fileName: string): Value {
  const ways = outputs.map((output) => ({ output, nodes: nodesOf([output]) }));
  const { output: deepest, nodes = [] } = ways.sort((a, b) => b.nodes.length - a.nodes.length)[0] ?? {};
  for (const node of [...nodes].reverse()) {
    const weight = node.inputs[1];
    const data = node.inputs[0];
    if (data === undefined || weight === undefined || weight.source.kind !== "constant") continue;
    if (isMatrixProduct(node)) return data;
    if (weight.rank === 4 && deepest?.type !== undefined && endsInVector(deepest)) {
      if (isStatic(weight.shape) && weight.shape[2] === 1 && weight.shape[3] === 1)
        return flatten(globalAveragePool(data));
    }
    if (weight.rank >= 3) break;
  }
  const found = outputs.map(showType).join(", ");
  throw new GraftError(
    "model",
    `"${fileName}" gives no feature vector: no linear layer ends it (outputs ${found || "none"}). ` +
      "Expected a classifier, or a network whose last layer maps a vector to scores.",
  );
}

function showType({ type }: Value): string {
  return type === undefined ? "unknown" : showShape(type.shape);
}

function isMatrixProduct(node: Node): boolean {
  return node.inputs[1]?.rank === 2 && node.inputs[0]?.type?.shape.length === 2;
}

function endsInVector({ shape }: Value): boolean {
  return shape.length === 2 || (shape.length === 4 && shape[2] === 1 && shape[3] === 1);
}

function preprocessing(model: Model, fileName: string, card: Card | undefined, side: number) {
  const fraction = card?.cropFraction ?? 0.875;
  const preparation: Preparation = {
    resizeTo: Math.round(side / fraction),
    cropTo: side,
    interpolation: card?.interpolation ?? "bilinear",
  };
  if (card !== undefined) return { preparation, normalisation: card.normalisation, warnings: [] };
  const stated = model.metadata.get("preprocess");
  if (stated !== undefined && /127\.5\s*-\s*1/.test(stated))
    return { preparation, normalisation: minusOneToOne, warnings: [] };
  return {
    preparation,
    normalisation: imagenetNormalisation,
    warnings: [
      `"${fileName}" does not say how its images were normalised; assuming ImageNet's mean and deviation, as torchvision does.`,
    ],
  };
}
