import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { substitute } from "../graph/substitute.ts";
import { nodesOf } from "../graph/traverse.ts";
import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { conv } from "../ops/convolution.ts";
import { gemm, matmul } from "../ops/products.ts";
import type { Backbone } from "./onnxBackbone.ts";
import { channelsOf, stageMaps } from "./stageMaps.ts";

/** New parameters for a backbone whose own weights stay: behind its stages, or beside the weights of its linear layers. */
export const additionNames = ["adapters", "lora"] as const;
export type AdditionName = (typeof additionNames)[number];

/** Channels of a stage over those of its adapter. */
const adapterReduction = 8;
const narrowestAdapter = 8;
/** Of the change of a linear layer, and α/r of Hu et al. 2021, §4.1. */
const loraRank = 8;
const loraScale = 2;

const leftFactor = "/lora/left";
const rightFactor = "/lora/right";

/** Where in a backbone something can be added. */
export interface Addition {
  /** Values of the backbone, in order, that something is added to. */
  readonly places: readonly Value[];
  /** Below which name the parameters of a place lie. */
  nameOf(place: number): string;
  /** The value of a place after the addition, given what it is without. */
  apply(scope: Scope, value: Value): Value;
}

/**
 * Residual bottlenecks x + W₂·relu(W₁·x) of 1×1 convolutions behind each stage (Houlsby et al. 2019, §2.1, on maps as in Rebuffi et al. 2018).
 * W₂ begins at zero, so that training begins at the pretrained function. Throws `model` for a network without feature maps.
 */
function adapters(backbone: Backbone): Addition {
  const places = stageMaps(backbone);
  if (places.length === 0) {
    throw new GraftError(
      "model",
      `--parameters adapters: "${backbone.name}" has no feature maps that adapters could work on. Use --parameters lora.`,
    );
  }
  return {
    places,
    nameOf: (place) => `adapter.${place}`,
    apply(scope, maps) {
      const channels = channelsOf(maps);
      const width = Math.max(narrowestAdapter, Math.round(channels / adapterReduction));
      const initializer = "heNormal";
      const down = scope.param("down/weight", [width, channels, 1, 1], { initializer, fanIn: channels, fanOut: width });
      const up = scope.param("up/weight", [channels, width, 1, 1], { initializer: "zeros" });
      const hidden = relu(conv(maps, down, scope.param("down/bias", [width], { initializer: "zeros" })));
      return add(maps, conv(hidden, up, scope.param("up/bias", [channels], { initializer: "zeros" })));
    },
  };
}

/**
 * W + (α/r)·L·R for the matrix W of each linear layer, L and R of rank r (Hu et al. 2021, eq. 3). L begins at zero.
 * Throws `model` for a network without linear layers.
 */
function lora(backbone: Backbone, pathOf: (weight: Value) => string): Addition {
  const places = linearWeights(backbone.features);
  if (places.length === 0) {
    throw new GraftError(
      "model",
      `--parameters lora: "${backbone.name}" has no linear layers wider than ${loraRank}. Use --parameters adapters, or biases.`,
    );
  }
  return {
    places,
    nameOf: (place) =>
      places
        .slice(place, place + 1)
        .map(pathOf)
        .join(""),
    apply(scope, weight) {
      const [rows = 0, columns = 0] = weight.staticShape;
      const left = scope.param(leftFactor.slice(1), [rows, loraRank], { initializer: "zeros" });
      const right = scope.param(rightFactor.slice(1), [loraRank, columns], {
        initializer: "heUniform",
        fanIn: columns,
        fanOut: loraRank,
      });
      return add(weight, mul(matmul(left, right), loraScale));
    },
  };
}

export const additions: Readonly<
  Record<AdditionName, (backbone: Backbone, pathOf: (weight: Value) => string) => Addition>
> = { adapters, lora };

/** `bound` with additions: what is computed from a place further on sees it with what was added. */
export function bindAddition(addition: Addition, scope: Scope, bound: Map<Value, Value>): void {
  for (const [i, place] of addition.places.entries()) {
    const [value] = substitute([place], bound);
    bound.set(place, addition.apply(scope.at(addition.nameOf(i)), value));
  }
}

/** Weights with low-rank changes written into the matrices that they change. */
export function mergedLora(weights: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const merged = new Map(weights);
  for (const [path, left] of weights) {
    if (!path.endsWith(leftFactor)) continue;
    const base = path.slice(0, -leftFactor.length);
    const [weight, right] = [weights.get(base), weights.get(base + rightFactor)];
    if (weight === undefined || right === undefined) throw new Error(`"${path}" has no matrix to change`);
    merged.set(base, sumWithProduct(weight, left, right));
    merged.delete(path);
    merged.delete(base + rightFactor);
  }
  return merged;
}

function sumWithProduct(weight: Tensor, left: Tensor, right: Tensor): Tensor {
  const [, columns = 0] = weight.shape;
  const values = weight.floats.map((value, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let product = 0;
    for (let k = 0; k < loraRank; k++) {
      product += (left.floats[row * loraRank + k] ?? 0) * (right.floats[k * columns + column] ?? 0);
    }
    return value + loraScale * product;
  });
  return Tensor.of("float32", weight.shape, values);
}

/** Constant matrices that data are multiplied by. */
function linearWeights(output: Value): readonly Value[] {
  const found = new Set<Value>();
  for (const { operator, inputs } of nodesOf([output])) {
    const weight = inputs[1];
    if (operator !== matmul.operator && operator !== gemm.operator) continue;
    if (weight?.source.kind !== "constant" || weight.dtype !== "float32" || weight.rank !== 2) continue;
    if (Math.min(...weight.staticShape) > loraRank) found.add(weight);
  }
  return [...found];
}
