import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { add } from "../ops/arithmetic.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionNorm, convolutionUnit, linear, mapMeans, multipleOf8, type UnitOptions } from "./blocks.ts";
import { minusOneToOne } from "./cards.ts";
import { type Scaling, stages } from "./efficientnet.ts";
import { relu6 } from "./mobilenetV2.ts";

interface Config extends Scaling {
  /** Weights that TensorFlow trained pad as it does, and normalise with its epsilon. */
  readonly tensorflow: boolean;
}

const scalings = {
  efficientnet_lite0: { width: 1, depth: 1, side: 224, rate: 0.2 },
  efficientnet_lite1: { width: 1, depth: 1.1, side: 240, rate: 0.2 },
  efficientnet_lite2: { width: 1.1, depth: 1.2, side: 260, rate: 0.3 },
} as const satisfies Record<string, Scaling>;

const configs = Object.fromEntries(
  Object.entries(scalings).flatMap(([name, scaling]): [string, Config][] => [
    [name, { ...scaling, tensorflow: false }],
    [`tf_${name}`, { ...scaling, tensorflow: true }],
  ]),
);

/** EfficientNet for phones (Liu 2020): no squeeze and excitation, relu6, ends of the network not scaled. */
export const efficientnetLiteArchitectures: readonly Architecture[] = architecturesOf(configs, (config) => ({
  side: config.side,
  smallestSide: 1,
  ...(config.tensorflow ? { normalisation: minusOneToOne } : {}),
  body: (scope, images) => efficientnetLite(scope, images, config),
  top(scope, maps, classes) {
    const classifier = scope.at("classifier");
    return linear(classifier, dropInTraining(classifier, mapMeans(maps), config.rate), classes);
  },
}));

/** Feature maps [N, 1280, H/32, W/32] of images x [N, 3, H, W], with timm's parameter names. */
function efficientnetLite(scope: Scope, x: Value, { width, depth, tensorflow }: Config): Value {
  const norm: Norm = tensorflow ? { epsilon: 1e-3, padding: "same" } : {};
  const unit = { ...norm, activation: relu6 };
  let y = convolutionUnit(scope, x, { ...unit, filters: 32, kernel: 3, stride: 2, names: ["conv_stem", "bn1"] });
  stages.forEach(([expansion, kernel, firstStride, channels, count], i) => {
    const filters = multipleOf8(channels * width);
    const isEnd = i === 0 || i === stages.length - 1;
    for (let index = 0; index < (isEnd ? count : Math.ceil(count * depth)); index++) {
      const block = scope.at("blocks").at(String(i)).at(String(index));
      y = invertedResidual(block, y, { norm, expansion, kernel, stride: index === 0 ? firstStride : 1, filters });
    }
  });
  return convolutionUnit(scope, y, { ...unit, filters: 1280, kernel: 1, names: ["conv_head", "bn2"] });
}

/** How this variant normalises and pads. */
type Norm = Pick<UnitOptions, "epsilon" | "padding">;

interface BlockOptions {
  readonly norm: Norm;
  readonly expansion: number;
  readonly kernel: number;
  readonly stride: number;
  readonly filters: number;
}

function invertedResidual(scope: Scope, x: Value, { norm, expansion, kernel, stride, filters }: BlockOptions): Value {
  const channels = Number(x.shape[1]);
  const inner = channels * expansion;
  const expands = expansion !== 1;
  const unit = { ...norm, filters: inner, activation: relu6 };
  const wide = expands ? convolutionUnit(scope, x, { ...unit, kernel: 1, names: ["conv_pw", "bn1"] }) : x;
  const filter = { ...unit, kernel, stride, groups: inner };
  const filtered = convolutionUnit(scope, wide, { ...filter, names: ["conv_dw", expands ? "bn2" : "bn1"] });
  const projection = { ...norm, filters, kernel: 1 };
  const y = convolutionNorm(scope, filtered, {
    ...projection,
    names: expands ? ["conv_pwl", "bn3"] : ["conv_pw", "bn2"],
  });
  return stride === 1 && channels === filters ? add(x, y) : y;
}
