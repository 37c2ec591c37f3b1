import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { concat, flatten } from "../ops/layout.ts";
import { globalAveragePool, maxPool } from "../ops/pooling.ts";
import type { Architecture } from "./architecture.ts";
import { convolution } from "./blocks.ts";

/** The first layer, and squeeze and expand widths of the fire modules between poolings (Iandola et al. 2016, table 1; 1.1 pools earlier). */
interface SqueezenetConfig {
  readonly filters: number;
  readonly kernel: number;
  readonly stages: readonly (readonly (readonly [squeeze: number, expand: number])[])[];
}

const squeezenets: Readonly<Record<string, SqueezenetConfig>> = {
  squeezenet1_0: {
    filters: 96,
    kernel: 7,
    stages: [
      [
        [16, 64],
        [16, 64],
        [32, 128],
      ],
      [
        [32, 128],
        [48, 192],
        [48, 192],
        [64, 256],
      ],
      [[64, 256]],
    ],
  },
  squeezenet1_1: {
    filters: 64,
    kernel: 3,
    stages: [
      [
        [16, 64],
        [16, 64],
      ],
      [
        [32, 128],
        [32, 128],
      ],
      [
        [48, 192],
        [48, 192],
        [64, 256],
        [64, 256],
      ],
    ],
  },
};

export const squeezenetArchitectures: Readonly<Record<string, Architecture>> = Object.fromEntries(
  Object.entries(squeezenets).map(([name, config]) => [name, architectureOf(config)]),
);

function architectureOf(config: SqueezenetConfig): Architecture {
  return {
    side: 224,
    smallestSide: 32,
    features: (scope, x) => squeezenet(scope.at("features"), x, config),
    top: (scope, maps, classes) => {
      const options = { filters: classes, kernel: 1, bias: true };
      return flatten(globalAveragePool(relu(convolution(scope.at("classifier").at("1"), maps, options))));
    },
    classifier: "classifier",
  };
}

/** Feature maps [N, 512, H/16, W/16], with torchvision's numbering: poolings and activations count too. */
function squeezenet(scope: Scope, x: Value, { filters, kernel, stages }: SqueezenetConfig): Value {
  let y = relu(convolution(scope.at("0"), x, { filters, kernel, stride: 2, padding: 0, bias: true }));
  let index = 2;
  for (const stage of stages) {
    y = maxPool(y, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 });
    index++;
    for (const [squeeze, expand] of stage) y = fire(scope.at(String(index++)), y, squeeze, expand);
  }
  return y;
}

/** Few channels first, then many by 1×1 and 3×3 filters side by side (figure 1). */
function fire(scope: Scope, x: Value, squeeze: number, expand: number): Value {
  const few = relu(convolution(scope.at("squeeze"), x, { filters: squeeze, kernel: 1, bias: true }));
  const each = [1, 3].map((kernel) =>
    relu(convolution(scope.at(`expand${kernel}x${kernel}`), few, { filters: expand, kernel, bias: true })),
  );
  return concat(...each, { axis: 1 });
}
