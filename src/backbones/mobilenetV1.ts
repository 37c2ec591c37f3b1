import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionUnit, linear, mapMeans } from "./blocks.ts";
import { relu6 } from "./mobilenetV2.ts";

/** Output channels and number of separable convolutions of each stage (Howard et al. 2017, table 1); each but the first halves the size. */
const stages = [
  [64, 1],
  [128, 2],
  [256, 2],
  [512, 6],
  [1024, 2],
] as const;

export const mobilenetV1Architectures: readonly Architecture[] = architecturesOf({ mobilenetv1_100: {} }, () => ({
  smallestSide: 1,
  body: mobilenetV1,
  top: (scope, maps, classes) => linear(scope.at("classifier"), mapMeans(maps), classes),
}));

/** Feature maps [N, 1024, H/32, W/32] of images x [N, 3, H, W], with timm's parameter names. */
function mobilenetV1(scope: Scope, x: Value): Value {
  const stem = { filters: 32, kernel: 3, stride: 2, activation: relu6 };
  let y = convolutionUnit(scope, x, { ...stem, names: ["conv_stem", "bn1"] });
  stages.forEach(([filters, count], stage) => {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      y = separable(scope.at("blocks").at(String(stage)).at(String(i)), y, filters, stride);
    }
  });
  return y;
}

/** A 3×3 filter a channel, then a 1×1 convolution across them (figure 3, right). */
function separable(scope: Scope, x: Value, filters: number, stride: number): Value {
  const channels = Number(x.shape[1]);
  const depthwise = { filters: channels, kernel: 3, stride, groups: channels, activation: relu6 };
  const y = convolutionUnit(scope, x, { ...depthwise, names: ["conv_dw", "bn1"] });
  return convolutionUnit(scope, y, { filters, kernel: 1, activation: relu6, names: ["conv_pw", "bn2"] });
}
