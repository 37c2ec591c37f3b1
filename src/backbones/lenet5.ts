import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { tanh } from "../ops/activations.ts";
import { flatten } from "../ops/layout.ts";
import { averagePool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolution, linear } from "./blocks.ts";

/**
 * LeNet-5 (LeCun et al. 1998, figure 2) with plain tanh, plain averages, full connections between C1 and C3, and a linear last layer:
 * 32×32 gray images. Neither torchvision nor timm has it; layers are called conv1, conv2, fc1, fc2, fc3.
 */
export const lenet5Architectures: readonly Architecture[] = architecturesOf({ lenet5: {} }, () => ({
  side: 32,
  smallestSide: 16,
  channels: 1,
  body: lenet5,
  top,
}));

/** S4: maps [N, 16, 5, 5] of images x [N, 1, 32, 32]. */
function lenet5(scope: Scope, x: Value): Value {
  const layer = (name: string, of: Value, filters: number) =>
    tanh(convolution(scope.at(name), of, { filters, kernel: 5, padding: 0, bias: true }));
  return halve(layer("conv2", halve(layer("conv1", x, 6)), 16));
}

function halve(x: Value): Value {
  return averagePool(x, { kernel_shape: [2, 2], strides: [2, 2] });
}

/** C5, F6 and the output. */
function top(scope: Scope, maps: Value, classes: number): Value {
  const c5 = tanh(linear(scope.at("fc1"), flatten(maps), 120, "glorotUniform"));
  const f6 = tanh(linear(scope.at("fc2"), c5, 84, "glorotUniform"));
  return linear(scope.at("fc3"), f6, classes, "glorotUniform");
}
