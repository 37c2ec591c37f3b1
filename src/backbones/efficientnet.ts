import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { add } from "../ops/arithmetic.ts";
import { silu } from "../ops/smoothActivations.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionNorm, convolutionUnit, linear, mapMeans, multipleOf8, squeezeExcitation } from "./blocks.ts";

/** Expansion, kernel, first stride, output channels and blocks of each stage of B0 (Tan & Le 2019, table 1). */
export const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

/** Factors of channels and of blocks (equation 3), the side of the images and the rate of dropout. */
export interface Scaling {
  readonly width: number;
  readonly depth: number;
  readonly side: number;
  readonly rate: number;
}

/** Sides are those of torchvision's weights. */
const efficientnets = {
  efficientnet_b0: { width: 1, depth: 1, side: 224, rate: 0.2 },
  efficientnet_b1: { width: 1, depth: 1.1, side: 240, rate: 0.2 },
  efficientnet_b2: { width: 1.1, depth: 1.2, side: 288, rate: 0.3 },
  efficientnet_b3: { width: 1.2, depth: 1.4, side: 300, rate: 0.3 },
} as const satisfies Record<string, Scaling>;

/** Stochastic depth, which the paper trains with, is left out. */
export const efficientnetArchitectures: readonly Architecture[] = architecturesOf(
  efficientnets,
  (scaling: Scaling) => ({
    side: scaling.side,
    smallestSide: 1,
    body: (scope, images) => efficientnet(scope, images, scaling),
    top(scope, maps, classes) {
      const classifier = scope.at("classifier");
      return linear(classifier.at("1"), dropInTraining(classifier.at("0"), mapMeans(maps), scaling.rate), classes);
    },
  }),
);

/** Feature maps [N, 1280·width, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function efficientnet(scope: Scope, x: Value, { width, depth }: Scaling): Value {
  const features = scope.at("features");
  const stem = { filters: multipleOf8(32 * width), kernel: 3, stride: 2, activation: silu };
  let y = convolutionUnit(features.at("0"), x, stem);
  stages.forEach(([expansion, kernel, firstStride, channels, count], i) => {
    const stage = features.at(String(i + 1));
    const filters = multipleOf8(channels * width);
    for (let block = 0; block < Math.ceil(count * depth); block++) {
      const stride = block === 0 ? firstStride : 1;
      y = invertedResidual(stage.at(String(block)).at("block"), y, { expansion, kernel, stride, filters });
    }
  });
  const filters = 4 * multipleOf8(320 * width);
  return convolutionUnit(features.at(String(stages.length + 1)), y, { filters, kernel: 1, activation: silu });
}

interface BlockOptions {
  readonly expansion: number;
  readonly kernel: number;
  readonly stride: number;
  readonly filters: number;
}

/** MobileNetV2's block; squeeze and excitation leaves a quarter of the channels that come in. */
function invertedResidual(scope: Scope, x: Value, { expansion, kernel, stride, filters }: BlockOptions): Value {
  const channels = Number(x.shape[1]);
  const unit = { filters: channels * expansion, activation: silu };
  let index = 0;
  const next = () => scope.at(String(index++));
  let y = expansion === 1 ? x : convolutionUnit(next(), x, { ...unit, kernel: 1 });
  y = convolutionUnit(next(), y, { ...unit, kernel, stride, groups: unit.filters });
  y = squeezeExcitation(next(), y, { squeezed: Math.max(1, Math.floor(channels / 4)), activation: silu });
  y = convolutionNorm(next(), y, { filters, kernel: 1 });
  return stride === 1 && channels === filters ? add(x, y) : y;
}
