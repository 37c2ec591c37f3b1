import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { flatten, transpose } from "../ops/layout.ts";
import { globalAveragePool } from "../ops/pooling.ts";
import { gelu } from "../ops/smoothActivations.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolution, layerNorm, linear } from "./blocks.ts";

/** Blocks of each stage (Liu et al. 2022, section 3 and appendix A). */
const convnexts = {
  convnext_tiny: [3, 3, 9, 3],
  convnext_small: [3, 3, 27, 3],
} as const satisfies Record<string, readonly number[]>;

const epsilon = 1e-6;

/** Stochastic depth, which the paper trains with, is left out. */
export const convnextArchitectures: readonly Architecture[] = architecturesOf(
  convnexts,
  (blocks: readonly number[]) => ({
    smallestSide: 32,
    body: (scope, images) => convnext(scope, images, blocks),
    top(scope, maps, classes) {
      const classifier = scope.at("classifier");
      return linear(classifier.at("2"), flatten(mapNorm(classifier.at("0"), globalAveragePool(maps))), classes);
    },
  }),
);

/** Feature maps [N, 768, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function convnext(scope: Scope, x: Value, blocks: readonly number[]): Value {
  const features = scope.at("features");
  const stem = features.at("0");
  let y = mapNorm(stem.at("1"), patches(stem.at("0"), x, 96, 4));
  blocks.forEach((count, stage) => {
    const halving = features.at(String(2 * stage));
    if (stage > 0) y = patches(halving.at("1"), mapNorm(halving.at("0"), y), 96 * 2 ** stage, 2);
    for (let i = 0; i < count; i++) y = block(features.at(String(2 * stage + 1)).at(String(i)), y);
  });
  return y;
}

/** Depthwise 7×7, then two layers on each place with four times the channels between them (figure 4, right). */
function block(scope: Scope, x: Value): Value {
  const channels = Number(x.shape[1]);
  const inner = scope.at("block");
  const spread = convolution(inner.at("0"), x, { filters: channels, kernel: 7, groups: channels, bias: true });
  const places = layerNorm(inner.at("2"), channelsLast(spread), epsilon);
  const y = linear(inner.at("5"), gelu(linear(inner.at("3"), places, 4 * channels)), channels);
  // The paper starts it at 1e-6: like 0, a block that passes its input on.
  const scale = scope.param("layer_scale", [channels, 1, 1], { initializer: "zeros" });
  return add(x, mul(scale, channelsFirst(y)));
}

/** A layer over patches side by side. */
function patches(scope: Scope, x: Value, filters: number, side: number): Value {
  return convolution(scope, x, { filters, kernel: side, stride: side, padding: 0, bias: true });
}

/** Layer normalisation over the channels of each place. */
function mapNorm(scope: Scope, x: Value): Value {
  return channelsFirst(layerNorm(scope, channelsLast(x), epsilon));
}

function channelsLast(x: Value): Value {
  return transpose(x, { perm: [0, 2, 3, 1] });
}

function channelsFirst(x: Value): Value {
  return transpose(x, { perm: [0, 3, 1, 2] });
}
