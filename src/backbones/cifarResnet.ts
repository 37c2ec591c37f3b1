import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { pad, slice } from "../ops/slicing.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { addRelu, convolutionNorm, convolutionUnit, linear, mapMeans } from "./blocks.ts";

/** Names of our own: neither torchvision nor timm has these networks. Parameters are called as in ResNet, the classifier `linear`. */
const depths = { cifar_resnet20: 20, cifar_resnet32: 32, cifar_resnet44: 44, cifar_resnet56: 56 } as const;

export const cifarResnetArchitectures: readonly Architecture[] = architecturesOf(depths, (depth: number) => ({
  side: 32,
  smallestSide: 1,
  body: (scope, images) => cifarResnet(scope, images, depth),
  top: (scope, maps, classes) => linear(scope.at("linear"), mapMeans(maps), classes),
}));

/** The residual networks for 32×32 images, 6n + 2 layers deep (He et al. 2015, section 4.2): maps [N, 64, H/4, W/4]. */
export function cifarResnet(scope: Scope, x: Value, depth: number): Value {
  const blocks = (depth - 2) / 6;
  let y = convolutionUnit(scope, x, { names: ["conv1", "bn1"], filters: 16, kernel: 3 });
  for (let stage = 0; stage < 3; stage++) {
    for (let i = 0; i < blocks; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      y = block(scope.at(`layer${stage + 1}`).at(String(i)), y, 16 * 2 ** stage, stride);
    }
  }
  return y;
}

function block(scope: Scope, x: Value, filters: number, stride: number): Value {
  const first = convolutionUnit(scope, x, { names: ["conv1", "bn1"], filters, kernel: 3, stride });
  const second = convolutionNorm(scope, first, { names: ["conv2", "bn2"], filters, kernel: 3 });
  return addRelu(second, shortcut(x, filters, stride));
}

/** Every second pixel, between zeros for the new channels: no parameters (option A). */
function shortcut(x: Value, filters: number, stride: number): Value {
  if (stride === 1 && x.shape[1] === filters) return x;
  const [, channels, height, width] = x.shape;
  const picked = slice(x, [0, 0], [Number(height), Number(width)], [2, 3], [stride, stride]);
  const side = (filters - Number(channels)) / 2;
  return pad(picked, [0, side, 0, 0, 0, side, 0, 0]);
}
