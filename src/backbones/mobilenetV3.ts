import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { hardSigmoid, relu } from "../ops/activations.ts";
import { add } from "../ops/arithmetic.ts";
import { hardSwish } from "../ops/smoothActivations.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionNorm, convolutionUnit, linear, mapMeans, multipleOf8, squeezeExcitation } from "./blocks.ts";

/** Kernel, expanded channels, output channels, "SE" with squeeze and excitation, "RE" relu or "HS" hard swish, stride. */
type Block = readonly [number, number, number, "SE" | "", "RE" | "HS", number];

interface Config {
  readonly blocks: readonly Block[];
  /** Channels of the last convolution and units of the hidden layer of the classifier. */
  readonly last: number;
  readonly hidden: number;
}

/** Howard et al. 2019, tables 1 and 2. */
const mobilenets = {
  mobilenet_v3_large: {
    blocks: [
      [3, 16, 16, "", "RE", 1],
      [3, 64, 24, "", "RE", 2],
      [3, 72, 24, "", "RE", 1],
      [5, 72, 40, "SE", "RE", 2],
      [5, 120, 40, "SE", "RE", 1],
      [5, 120, 40, "SE", "RE", 1],
      [3, 240, 80, "", "HS", 2],
      [3, 200, 80, "", "HS", 1],
      [3, 184, 80, "", "HS", 1],
      [3, 184, 80, "", "HS", 1],
      [3, 480, 112, "SE", "HS", 1],
      [3, 672, 112, "SE", "HS", 1],
      [5, 672, 160, "SE", "HS", 2],
      [5, 960, 160, "SE", "HS", 1],
      [5, 960, 160, "SE", "HS", 1],
    ],
    last: 960,
    hidden: 1280,
  },
  mobilenet_v3_small: {
    blocks: [
      [3, 16, 16, "SE", "RE", 2],
      [3, 72, 24, "", "RE", 2],
      [3, 88, 24, "", "RE", 1],
      [5, 96, 40, "SE", "HS", 2],
      [5, 240, 40, "SE", "HS", 1],
      [5, 240, 40, "SE", "HS", 1],
      [5, 120, 48, "SE", "HS", 1],
      [5, 144, 48, "SE", "HS", 1],
      [5, 288, 96, "SE", "HS", 2],
      [5, 576, 96, "SE", "HS", 1],
      [5, 576, 96, "SE", "HS", 1],
    ],
    last: 576,
    hidden: 1024,
  },
} as const satisfies Record<string, Config>;

const norm = { epsilon: 1e-3, momentum: 0.99 };

export const mobilenetV3Architectures: readonly Architecture[] = architecturesOf(mobilenets, (config: Config) => ({
  smallestSide: 1,
  body: (scope, images) => mobilenetV3(scope, images, config),
  top(scope, maps, classes) {
    const classifier = scope.at("classifier");
    const hidden = hardSwish(linear(classifier.at("0"), mapMeans(maps), config.hidden));
    return linear(classifier.at("3"), dropInTraining(classifier.at("2"), hidden, 0.2), classes);
  },
}));

/** Feature maps [N, 960 or 576, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function mobilenetV3(scope: Scope, x: Value, { blocks, last }: Config): Value {
  const features = scope.at("features");
  const unit = { ...norm, activation: hardSwish };
  let y = convolutionUnit(features.at("0"), x, { filters: 16, kernel: 3, stride: 2, ...unit });
  blocks.forEach((block, i) => {
    y = bottleneck(features.at(String(i + 1)).at("block"), y, block);
  });
  return convolutionUnit(features.at(String(blocks.length + 1)), y, { filters: last, kernel: 1, ...unit });
}

/** MobileNetV2's block with squeeze and excitation (figure 4). */
function bottleneck(scope: Scope, x: Value, [kernel, expanded, filters, squeeze, nonLinearity, stride]: Block): Value {
  const unit = { ...norm, filters: expanded, activation: nonLinearity === "HS" ? hardSwish : relu };
  let index = 0;
  const next = () => scope.at(String(index++));
  let y = expanded === x.shape[1] ? x : convolutionUnit(next(), x, { ...unit, kernel: 1 });
  y = convolutionUnit(next(), y, { ...unit, kernel, stride, groups: expanded });
  if (squeeze === "SE") {
    // Section 5.3: a quarter of the expanded channels.
    y = squeezeExcitation(next(), y, { squeezed: multipleOf8(expanded / 4), gate: hardGate });
  }
  y = convolutionNorm(next(), y, { ...norm, filters, kernel: 1 });
  return stride === 1 && x.shape[1] === filters ? add(x, y) : y;
}

/** relu6(x + 3) / 6. */
function hardGate(x: Value): Value {
  return hardSigmoid(x, { alpha: 1 / 6, beta: 0.5 });
}
