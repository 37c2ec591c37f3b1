import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { concat } from "../ops/layout.ts";
import { averagePool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { batchNorm, convolution, convolutionUnit, linear, mapMeans, stemPool } from "./blocks.ts";

/** Layers of each dense block (Huang et al. 2017, table 1). */
const densenets = {
  densenet121: [6, 12, 24, 16],
  densenet169: [6, 12, 32, 32],
} as const satisfies Record<string, readonly number[]>;

/** k: the maps that each layer adds. */
const growth = 32;

export const densenetArchitectures: readonly Architecture[] = architecturesOf(
  densenets,
  (layers: readonly number[]) => ({
    smallestSide: 29,
    body: (scope, images) => densenet(scope, images, layers),
    top: (scope, maps, classes) => linear(scope.at("classifier"), mapMeans(maps), classes),
  }),
);

/** Feature maps [N, 1024 or 1664, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function densenet(scope: Scope, x: Value, layers: readonly number[]): Value {
  const features = scope.at("features");
  const stem = { filters: 2 * growth, kernel: 7, stride: 2 };
  let y = stemPool(convolutionUnit(features, x, { ...stem, names: ["conv0", "norm0"] }));
  layers.forEach((count, i) => {
    y = denseBlock(features.at(`denseblock${i + 1}`), y, count);
    if (i < layers.length - 1) y = transition(features.at(`transition${i + 1}`), y);
  });
  return relu(batchNorm(features.at("norm5"), y));
}

/** Each layer reads the maps of all before it, through a bottleneck of 4k (equation 2; "DenseNet-B"). */
function denseBlock(scope: Scope, x: Value, count: number): Value {
  let y = x;
  for (let i = 1; i <= count; i++) {
    const layer = scope.at(`denselayer${i}`);
    const inner = convolution(layer.at("conv1"), relu(batchNorm(layer.at("norm1"), y)), {
      filters: 4 * growth,
      kernel: 1,
    });
    const added = convolution(layer.at("conv2"), relu(batchNorm(layer.at("norm2"), inner)), {
      filters: growth,
      kernel: 3,
    });
    y = concat(y, added, { axis: 1 });
  }
  return y;
}

/** Half the channels and half the size ("DenseNet-C", θ = 0.5). */
function transition(scope: Scope, x: Value): Value {
  const filters = Math.floor(Number(x.shape[1]) / 2);
  const y = convolution(scope.at("conv"), relu(batchNorm(scope.at("norm"), x)), { filters, kernel: 1 });
  return averagePool(y, { kernel_shape: [2, 2], strides: [2, 2] });
}
