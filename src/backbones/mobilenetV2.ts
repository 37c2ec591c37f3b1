import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { clip } from "../ops/activations.ts";
import { add } from "../ops/arithmetic.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionNorm, convolutionUnit, linear, mapMeans } from "./blocks.ts";

/** Expansion, output channels, blocks and first stride of each stage (Sandler et al. 2018, table 2). */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

interface Config {
  /** Whether a block whose expansion is 1 has that convolution nevertheless, as in Gluon's model zoo. */
  readonly expandsAlways: boolean;
}

const configs: Readonly<Record<string, Config>> = {
  mobilenet_v2: { expandsAlways: false },
  gluon_mobilenet_v2: { expandsAlways: true },
};

export const mobilenetV2Architectures: readonly Architecture[] = architecturesOf(configs, (config) => ({
  smallestSide: 1,
  body: (scope, images) => mobilenetV2(scope, images, config),
  top(scope, maps, classes) {
    const classifier = scope.at("classifier");
    return linear(classifier.at("1"), dropInTraining(classifier.at("0"), mapMeans(maps), 0.2), classes);
  },
}));

/** Feature maps [N, 1280, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function mobilenetV2(scope: Scope, x: Value, { expandsAlways }: Config): Value {
  const features = scope.at("features");
  let y = convolutionUnit(features.at("0"), x, { filters: 32, kernel: 3, stride: 2, activation: relu6 });
  let index = 1;
  for (const [expansion, filters, count, firstStride] of stages) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? firstStride : 1;
      const expands = expandsAlways || expansion !== 1;
      y = invertedResidual(features.at(String(index++)).at("conv"), y, { expands, expansion, filters, stride });
    }
  }
  return convolutionUnit(features.at(String(index)), y, { filters: 1280, kernel: 1, activation: relu6 });
}

interface BlockOptions {
  readonly expands: boolean;
  readonly expansion: number;
  readonly filters: number;
  readonly stride: number;
}

/** Expand, filter depthwise, project linearly (figure 4d). */
function invertedResidual(scope: Scope, x: Value, { expands, expansion, filters, stride }: BlockOptions): Value {
  const inner = Number(x.shape[1]) * expansion;
  const widen = { filters: inner, kernel: 1, activation: relu6 };
  const filter = { filters: inner, kernel: 3, stride, groups: inner, activation: relu6 };
  let index = 0;
  let y = expands ? convolutionUnit(scope.at(String(index++)), x, widen) : x;
  y = convolutionUnit(scope.at(String(index++)), y, filter);
  // The two modules of the projection lie in the block itself.
  y = convolutionNorm(scope, y, { filters, kernel: 1, names: [String(index), String(index + 1)] });
  return stride === 1 && x.shape[1] === filters ? add(x, y) : y;
}

export function relu6(x: Value): Value {
  return clip(x, 0, 6);
}
