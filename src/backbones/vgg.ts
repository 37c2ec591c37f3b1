import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { maxPool } from "../ops/pooling.ts";
import { batchNorm, convolution } from "./blocks.ts";

/** Convolutions of each stage (Simonyan & Zisserman 2014, table 1, columns A, B, D and E). */
export const vggs = {
  vgg11: [1, 1, 2, 2, 2],
  vgg13: [2, 2, 2, 2, 2],
  vgg16: [2, 2, 3, 3, 3],
  vgg19: [2, 2, 4, 4, 4],
} as const satisfies Record<string, readonly number[]>;

/** Feature maps [N, 512, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
export function vgg(scope: Scope, x: Value, convolutions: readonly number[], normalised: boolean): Value {
  const features = scope.at("features");
  let y = x;
  // torchvision numbers every module, those without parameters too.
  let index = 0;
  convolutions.forEach((count, stage) => {
    const filters = Math.min(64 * 2 ** stage, 512);
    for (let i = 0; i < count; i++) {
      y = convolution(features.at(String(index++)), y, { filters, kernel: 3, bias: true });
      if (normalised) y = batchNorm(features.at(String(index++)), y);
      y = relu(y);
      index++;
    }
    y = maxPool(y, { kernel_shape: [2, 2], strides: [2, 2] });
    index++;
  });
  return y;
}
