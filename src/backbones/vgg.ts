import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { adaptiveAveragePool } from "../ops/adaptivePooling.ts";
import { flatten } from "../ops/layout.ts";
import { maxPool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolution, convolutionUnit, linear } from "./blocks.ts";

/** Convolutions of each stage (Simonyan & Zisserman 2014, table 1, columns A, B, D and E). */
export const vggs = {
  vgg11: [1, 1, 2, 2, 2],
  vgg13: [2, 2, 2, 2, 2],
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
} as const satisfies Record<string, readonly number[]>;

interface Variant {
  readonly convolutions: readonly number[];
  /** With batch normalisation after each convolution. */
  readonly normalised: boolean;
}

const variants = Object.fromEntries(
  Object.entries(vggs).flatMap(([name, convolutions]): [string, Variant][] => [
    [name, { convolutions, normalised: false }],
    [`${name}_bn`, { convolutions, normalised: true }],
  ]),
);

export const vggArchitectures: readonly Architecture[] = architecturesOf(variants, (variant) => ({
  smallestSide: 32,
  body: (scope, images) => vgg(scope, images, variant.convolutions, variant.normalised),
  top,
}));

/** Feature maps [N, 512, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
export function vgg(scope: Scope, x: Value, convolutions: readonly number[], normalised: boolean): Value {
  const features = scope.at("features");
  let y = x;
  // torchvision numbers every module, those without parameters too.
  let index = 0;
  convolutions.forEach((count, stage) => {
    const options = { filters: Math.min(64 * 2 ** stage, 512), kernel: 3, bias: true };
    for (let i = 0; i < count; i++) {
      const names = [String(index), String(index + 1)] as const;
      y = normalised
        ? convolutionUnit(features, y, { ...options, names })
        : relu(convolution(features.at(names[0]), y, options));
      index += normalised ? 3 : 2;
    }
    y = maxPool(y, { kernel_shape: [2, 2], strides: [2, 2] });
    index++;
  });
  return y;
}

/** Two hidden layers of 4096 units over 7×7 maps; maps of other sizes are averaged to these. */
function top(scope: Scope, maps: Value, classes: number): Value {
  const classifier = scope.at("classifier");
  const hidden = (index: number, x: Value) =>
    dropInTraining(classifier.at(String(index + 2)), relu(linear(classifier.at(String(index)), x, 4096)), 0.5);
  const vector = flatten(adaptiveAveragePool(maps, 7, 7));
  return linear(classifier.at("6"), hidden(3, hidden(0, vector)), classes);
}
