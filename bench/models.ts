import { architectureNamed } from "../src/backbones/architectures.ts";
import { convolution } from "../src/backbones/blocks.ts";
import { cifarResnet } from "../src/backbones/cifarResnet.ts";
import { resnet, resnets } from "../src/backbones/resnet.ts";
import { vgg, vggs } from "../src/backbones/vgg.ts";
import type { Value } from "../src/graph/value.ts";
import { dense } from "../src/nn/denseLayers.ts";
import { moduleLayer } from "../src/nn/moduleLayer.ts";
import { type Network, sequentialNetwork } from "../src/nn/network.ts";
import { globalAveragePooling2d } from "../src/nn/poolingLayers.ts";
import type { Scope } from "../src/nn/scope.ts";
import { relu } from "../src/ops/activations.ts";
import { maxPool } from "../src/ops/pooling.ts";

/** A network of the benchmark: the same layers, batch and image size as `pytorch/models.py`. */
export interface BenchModel {
  readonly batchSize: number;
  readonly side: number;
  readonly classes: number;
  readonly body: (scope: Scope, x: Value) => Value;
}

export const models = {
  resnet18: { batchSize: 16, side: 224, classes: 1000, body: (scope, x) => resnet(scope, x, resnets.resnet18) },
  resnet50: { batchSize: 32, side: 224, classes: 1000, body: (scope, x) => resnet(scope, x, resnets.resnet50) },
  mobilenetV2: { batchSize: 16, side: 224, classes: 1000, body: architectureNamed("mobilenet_v2").body },
  vgg16: { batchSize: 64, side: 32, classes: 1000, body: (scope, x) => vgg(scope, x, vggs.vgg16, false) },
  kerasCnn: { batchSize: 32, side: 32, classes: 10, body: kerasCnn },
  cifarResnet20: { batchSize: 128, side: 32, classes: 10, body: (scope, x) => cifarResnet(scope, x, 20) },
} as const satisfies Record<string, BenchModel>;

/** The two convolutions of Keras' first example. */
function kerasCnn(scope: Scope, x: Value): Value {
  const halved = { kernel_shape: [2, 2], strides: [2, 2] };
  const first = relu(convolution(scope.at("conv1"), x, { filters: 32, kernel: 3, bias: true }));
  const second = relu(convolution(scope.at("conv2"), maxPool(first, halved), { filters: 64, kernel: 3, bias: true }));
  return maxPool(second, halved);
}

export type ModelName = keyof typeof models;

/** The model with its classifier. */
export function networkOf(name: ModelName): Network {
  const { side, classes, body } = models[name];
  return sequentialNetwork(
    [moduleLayer("body", body), globalAveragePooling2d(), dense(classes, { activation: "softmax" })],
    [side, side, 3],
  );
}
