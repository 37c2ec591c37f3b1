import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { clip } from "../ops/activations.ts";
import { add } from "../ops/arithmetic.ts";
import { batchNorm, convolution } from "./blocks.ts";

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

/** Feature maps [N, 1280, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
export function mobilenetV2(scope: Scope, x: Value): Value {
  const features = scope.at("features");
  let y = convolutionNormRelu6(features.at("0"), x, { filters: 32, kernel: 3, stride: 2 });
  let index = 1;
  for (const [expansion, filters, count, firstStride] of stages) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? firstStride : 1;
      y = invertedResidual(features.at(String(index++)).at("conv"), y, { expansion, filters, stride });
    }
  }
  return convolutionNormRelu6(features.at(String(index)), y, { filters: 1280, kernel: 1 });
}

/** Expand, filter depthwise, project linearly (figure 4d). */
function invertedResidual(
  scope: Scope,
  x: Value,
  { expansion, filters, stride }: { readonly expansion: number; readonly filters: number; readonly stride: number },
): Value {
  const inner = Number(x.shape[1]) * expansion;
  let y = x;
  let index = 0;
  if (expansion !== 1) y = convolutionNormRelu6(scope.at(String(index++)), y, { filters: inner, kernel: 1 });
  y = convolutionNormRelu6(scope.at(String(index++)), y, { filters: inner, kernel: 3, stride, groups: inner });
  y = convolution(scope.at(String(index++)), y, { filters, kernel: 1 });
  y = batchNorm(scope.at(String(index)), y);
  return stride === 1 && x.shape[1] === filters ? add(x, y) : y;
}

function convolutionNormRelu6(scope: Scope, x: Value, options: Parameters<typeof convolution>[2]): Value {
  return clip(batchNorm(scope.at("1"), convolution(scope.at("0"), x, options)), 0, 6);
}
