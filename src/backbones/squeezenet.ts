import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { concat } from "../ops/layout.ts";
import { maxPool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolution, mapMeans } from "./blocks.ts";

interface Config {
  /** Filters and kernel of the first convolution, stride 2. */
  readonly stem: readonly [filters: number, kernel: number];
  /** Stages between max-poolings: channels that each fire module squeezes to; it expands to eight times as many. */
  readonly stages: readonly (readonly number[])[];
}

/** Iandola et al. 2016, table 1; 1.1 is the authors' later version with 2.4 times less computation. */
const squeezenets = {
  squeezenet1_0: { stem: [96, 7], stages: [[16, 16, 32], [32, 48, 48, 64], [64]] },
  squeezenet1_1: {
    stem: [64, 3],
    stages: [
      [16, 16],
      [32, 32],
      [48, 48, 64, 64],
    ],
  },
} as const satisfies Record<string, Config>;

export const squeezenetArchitectures: readonly Architecture[] = architecturesOf(squeezenets, (config: Config) => ({
  smallestSide: config.stem[1] + 22,
  body: (scope, images) => squeezenet(scope, images, config),
  top(scope, maps, classes) {
    const classifier = scope.at("classifier");
    const kept = dropInTraining(classifier.at("0"), maps, 0.5);
    return mapMeans(relu(convolution(classifier.at("1"), kept, { filters: classes, kernel: 1, bias: true })));
  },
}));

/** Feature maps [N, 512, H/16, W/16] of images x [N, 3, H, W], with torchvision's parameter names. */
function squeezenet(scope: Scope, x: Value, { stem: [filters, kernel], stages }: Config): Value {
  const features = scope.at("features");
  let y = relu(convolution(features.at("0"), x, { filters, kernel, stride: 2, padding: 0, bias: true }));
  let index = 2;
  for (const stage of stages) {
    y = maxPool(y, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 });
    index++;
    for (const squeezed of stage) y = fire(features.at(String(index++)), y, squeezed);
  }
  return y;
}

/** Squeeze to few channels, expand by 1×1 and by 3×3 filters (section 3.2). */
function fire(scope: Scope, x: Value, squeezed: number): Value {
  const layer = (name: string, of: Value, filters: number, kernel: number) =>
    relu(convolution(scope.at(name), of, { filters, kernel, bias: true }));
  const y = layer("squeeze", x, squeezed, 1);
  return concat(layer("expand1x1", y, 4 * squeezed, 1), layer("expand3x3", y, 4 * squeezed, 3), { axis: 1 });
}
