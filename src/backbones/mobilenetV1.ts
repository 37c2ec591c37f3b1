import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionUnit, linear, mapMeans, type UnitOptions } from "./blocks.ts";
import { minusOneToOne } from "./cards.ts";
import { relu6 } from "./mobilenetV2.ts";

/** Output channels and number of separable convolutions of each stage (Howard et al. 2017, table 1); each but the first halves the size. */
const stages = [
  [64, 1],
  [128, 2],
  [256, 2],
  [512, 6],
  [1024, 2],
] as const;

interface Config {
  /** Of all layers, as a share of the published network's (section 3.3). */
  readonly width: number;
  /** Weights that TensorFlow or Keras trained pad as it does, and normalise with its epsilon. */
  readonly tensorflow: boolean;
}

const configs: Readonly<Record<string, Config>> = {
  mobilenetv1_100: { width: 1, tensorflow: false },
  tf_mobilenetv1_025: { width: 0.25, tensorflow: true },
  tf_mobilenetv1_050: { width: 0.5, tensorflow: true },
  tf_mobilenetv1_075: { width: 0.75, tensorflow: true },
  tf_mobilenetv1_100: { width: 1, tensorflow: true },
};

export const mobilenetV1Architectures: readonly Architecture[] = architecturesOf(configs, (config) => ({
  smallestSide: 1,
  ...(config.tensorflow ? { normalisation: minusOneToOne } : {}),
  body: (scope, images) => mobilenetV1(scope, images, config),
  top: (scope, maps, classes) => linear(scope.at("classifier"), mapMeans(maps), classes),
}));

/** Feature maps [N, 1024·width, H/32, W/32] of images x [N, 3, H, W], with timm's parameter names. */
function mobilenetV1(scope: Scope, x: Value, { width, tensorflow }: Config): Value {
  const unit: Unit = { activation: relu6, ...(tensorflow ? { epsilon: 1e-3, padding: "same" } : {}) };
  let y = convolutionUnit(scope, x, {
    ...unit,
    filters: 32 * width,
    kernel: 3,
    stride: 2,
    names: ["conv_stem", "bn1"],
  });
  stages.forEach(([channels, count], stage) => {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const block = scope.at("blocks").at(String(stage)).at(String(i));
      y = separable(block, y, { unit, filters: channels * width, stride });
    }
  });
  return y;
}

/** What all convolutions of a variant have in common. */
type Unit = Pick<UnitOptions, "activation" | "epsilon" | "padding">;

/** A 3×3 filter a channel, then a 1×1 convolution across them (figure 3, right). */
function separable(
  scope: Scope,
  x: Value,
  { unit, filters, stride }: { readonly unit: Unit; readonly filters: number; readonly stride: number },
): Value {
  const channels = Number(x.shape[1]);
  const depthwise = { ...unit, filters: channels, kernel: 3, stride, groups: channels };
  const y = convolutionUnit(scope, x, { ...depthwise, names: ["conv_dw", "bn1"] });
  return convolutionUnit(scope, y, { ...unit, filters, kernel: 1, names: ["conv_pw", "bn2"] });
}
