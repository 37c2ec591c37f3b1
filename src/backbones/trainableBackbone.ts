import type { Tensor } from "../base/tensor.ts";
import { sizeOf } from "../base/tensor.ts";
import { substitute } from "../graph/substitute.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constantOf, type Value } from "../graph/value.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { straightThrough } from "../ops/quantisation.ts";
import type { Backbone } from "./onnxBackbone.ts";

/** A backbone whose weights are parameters, so that it can be fine-tuned. */
export interface TrainableBackbone {
  /** Pixels of 0–255 in, features [N, width] out. */
  readonly layer: Layer;
  /** The pretrained values by parameter path. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Makes the weights that lie in the backbone's file parameters, named as there, below `name`. */
export function trainableBackbone(backbone: Backbone, name = "backbone"): TrainableBackbone {
  const found = weightsOf(backbone.features);
  const paths = new Map<Value, string>();
  for (const value of found.keys()) paths.set(value, freshPath(value, new Set(paths.values())));
  const layer = moduleLayer(name, (scope, pixels) => {
    const bound = new Map<Value, Value>([[backbone.input, normalised(pixels, backbone)]]);
    for (const [value, { trainable }] of found) {
      bound.set(value, scope.param(paths.get(value) ?? "", value.staticShape, { initializer: "zeros", trainable }));
    }
    const [features] = straightThrough(substitute([backbone.features], bound));
    return features;
  });
  const weights = [...found].map(([value, { tensor }]): [string, Tensor] => [`${name}/${paths.get(value)}`, tensor]);
  return { layer, weights: new Map(weights) };
}

interface Weight {
  readonly tensor: Tensor;
  readonly trainable: boolean;
}

/** Constants where an operator expects weights or statistics. Single numbers are part of the formula, not learned. */
function weightsOf(output: Value): ReadonlyMap<Value, Weight> {
  const found = new Map<Value, Weight>();
  for (const { operator, inputs } of nodesOf([output])) {
    const { inputs: names = [], weights = [], statistics = [] } = operator.rule ?? {};
    inputs.forEach((value, i) => {
      const role = names[i] ?? "";
      if (value?.source.kind !== "constant" || value.dtype !== "float32" || sizeOf(value.staticShape) < 2) return;
      const { tensor } = value.source;
      if (weights.includes(role)) found.set(value, { tensor, trainable: found.get(value)?.trainable ?? true });
      if (statistics.includes(role)) found.set(value, { tensor, trainable: false });
    });
  }
  return found;
}

/** The constant's name in the file, or a number where it has none or shares it. */
function freshPath({ source }: Value, taken: ReadonlySet<string>): string {
  const stated = source.kind === "constant" ? source.name : undefined;
  return stated === undefined || taken.has(stated) ? `${stated ?? "weight"}.${taken.size}` : stated;
}

function normalised(pixels: Value, { normalisation: { scale, offset } }: Backbone): Value {
  const perChannel = (values: readonly number[]) => constantOf("float32", [1, 3, 1, 1], values);
  return add(mul(pixels, perChannel(scale)), perChannel(offset));
}
