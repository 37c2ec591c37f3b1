import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { concat } from "../ops/layout.ts";
import { maxPool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionUnit, linear, mapMeans } from "./blocks.ts";
import { minusOneToOne } from "./cards.ts";

/** Filters: 1×1; 3×3 reduce, 3×3; 5×5 reduce, 5×5; after pooling (Szegedy et al. 2014, table 1). */
type Filters = readonly [number, readonly [number, number], readonly [number, number], number];

/** Inception modules between max-poolings. */
const stages: readonly Readonly<Record<string, Filters>>[] = [
  {
    inception3a: [64, [96, 128], [16, 32], 32],
    inception3b: [128, [128, 192], [32, 96], 64],
  },
  {
    inception4a: [192, [96, 208], [16, 48], 64],
    inception4b: [160, [112, 224], [24, 64], 64],
    inception4c: [128, [128, 256], [24, 64], 64],
    inception4d: [112, [144, 288], [32, 64], 64],
    inception4e: [256, [160, 320], [32, 128], 128],
  },
  {
    inception5a: [256, [160, 320], [32, 128], 128],
    inception5b: [384, [192, 384], [48, 128], 128],
  },
];

/**
 * GoogLeNet with batch normalisation as torchvision has it, 3×3 filters in place of the 5×5 included. Its published weights expect
 * pixels between −1 and 1: torchvision's `transform_input` brings ImageNet's normalisation to that, and is no part of the graph here.
 */
export const googlenetArchitectures: readonly Architecture[] = architecturesOf({ googlenet: {} }, () => ({
  smallestSide: 31,
  body: googlenet,
  top: (scope, maps, classes) =>
    linear(scope.at("fc"), dropInTraining(scope.at("dropout"), mapMeans(maps), 0.2), classes),
  normalisation: minusOneToOne,
  unused: ["aux1.", "aux2."],
}));

/** Feature maps [N, 1024, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function googlenet(scope: Scope, x: Value): Value {
  let y = halve(unit(scope.at("conv1"), x, 64, 7, 2), 3);
  y = unit(scope.at("conv3"), unit(scope.at("conv2"), y, 64, 1), 192, 3);
  stages.forEach((modules, i) => {
    y = halve(y, i < 2 ? 3 : 2);
    for (const [name, filters] of Object.entries(modules)) y = inception(scope.at(name), y, filters);
  });
  return y;
}

/** Four branches side by side (figure 2b). */
function inception(scope: Scope, x: Value, [one, [reduce3, three], [reduce5, five], pooled]: Filters): Value {
  const [second, third] = [scope.at("branch2"), scope.at("branch3")];
  const near = maxPool(x, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  return concat(
    unit(scope.at("branch1"), x, one, 1),
    unit(second.at("1"), unit(second.at("0"), x, reduce3, 1), three, 3),
    unit(third.at("1"), unit(third.at("0"), x, reduce5, 1), five, 3),
    unit(scope.at("branch4").at("1"), near, pooled, 1),
    { axis: 1 },
  );
}

function unit(scope: Scope, x: Value, filters: number, kernel: number, stride = 1): Value {
  return convolutionUnit(scope, x, { filters, kernel, stride, names: ["conv", "bn"], epsilon: 1e-3 });
}

function halve(x: Value, kernel: number): Value {
  return maxPool(x, { kernel_shape: [kernel, kernel], strides: [2, 2], ceil_mode: 1 });
}
