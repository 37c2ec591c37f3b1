import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { flatten } from "../ops/layout.ts";
import { globalAveragePool, maxPool } from "../ops/pooling.ts";
import type { Architecture } from "./architecture.ts";
import { addRelu, batchNorm, convolution, linear } from "./blocks.ts";

/** A residual network (He et al. 2015, table 1): the number of blocks of each stage, and what a block is. */
export interface ResnetConfig {
  readonly blocks: readonly number[];
  readonly block: "basic" | "bottleneck";
  /** Channels of a bottleneck's 3×3, over 64 a group and stage: 2 in Wide-ResNet-50-2 (Zagoruyko & Komodakis 2016). */
  readonly widthFactor?: number;
  /** Groups of a bottleneck's 3×3: 32 in ResNeXt-50 (Xie et al. 2017). */
  readonly groups?: number;
}

export const resnets = {
  resnet18: { blocks: [2, 2, 2, 2], block: "basic" },
  resnet34: { blocks: [3, 4, 6, 3], block: "basic" },
  resnet50: { blocks: [3, 4, 6, 3], block: "bottleneck" },
  resnet101: { blocks: [3, 4, 23, 3], block: "bottleneck" },
  resnet152: { blocks: [3, 8, 36, 3], block: "bottleneck" },
  wide_resnet50_2: { blocks: [3, 4, 6, 3], block: "bottleneck", widthFactor: 2 },
  resnext50_32x4d: { blocks: [3, 4, 6, 3], block: "bottleneck", groups: 32, widthFactor: 2 },
} as const satisfies Record<string, ResnetConfig>;

/** Feature maps [N, 512 or 2048, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
export function resnet(scope: Scope, x: Value, config: ResnetConfig): Value {
  const stem = relu(
    batchNorm(scope.at("bn1"), convolution(scope.at("conv1"), x, { filters: 64, kernel: 7, stride: 2 })),
  );
  let y = maxPool(stem, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  config.blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const block = config.block === "basic" ? basicBlock : bottleneck;
      y = block(scope.at(`layer${stage + 1}`).at(String(i)), y, { width: 64 * 2 ** stage, stride, config });
    }
  });
  return y;
}

export const resnetArchitectures: Readonly<Record<string, Architecture>> = Object.fromEntries(
  Object.entries(resnets).map(([name, config]) => [name, architectureOf(config)]),
);

function architectureOf(config: ResnetConfig): Architecture {
  return {
    side: 224,
    smallestSide: 32,
    features: (scope, x) => resnet(scope, x, config),
    top: (scope, maps, classes) => linear(scope.at("fc"), flatten(globalAveragePool(maps)), classes),
    classifier: "fc",
  };
}

interface BlockOptions {
  readonly width: number;
  readonly stride: number;
  readonly config: ResnetConfig;
}

/** Two 3×3 convolutions (figure 5, left). */
function basicBlock(scope: Scope, x: Value, { width, stride }: BlockOptions): Value {
  const first = convolution(scope.at("conv1"), x, { filters: width, kernel: 3, stride });
  const second = convolution(scope.at("conv2"), relu(batchNorm(scope.at("bn1"), first)), { filters: width, kernel: 3 });
  return addRelu(batchNorm(scope.at("bn2"), second), shortcut(scope, x, width, stride));
}

/** 1×1, 3×3, 1×1 (figure 5, right); the stride is the 3×3's, as in torchvision's "v1.5". */
function bottleneck(scope: Scope, x: Value, { width, stride, config }: BlockOptions): Value {
  const { widthFactor = 1, groups = 1 } = config;
  const inner = width * widthFactor;
  const first = convolution(scope.at("conv1"), x, { filters: inner, kernel: 1 });
  const second = convolution(scope.at("conv2"), relu(batchNorm(scope.at("bn1"), first)), {
    filters: inner,
    kernel: 3,
    stride,
    groups,
  });
  const third = convolution(scope.at("conv3"), relu(batchNorm(scope.at("bn2"), second)), {
    filters: 4 * width,
    kernel: 1,
  });
  return addRelu(batchNorm(scope.at("bn3"), third), shortcut(scope, x, 4 * width, stride));
}

/** The identity, or a projection where the shape changes (option B). */
function shortcut(scope: Scope, x: Value, filters: number, stride: number): Value {
  if (stride === 1 && x.shape[1] === filters) return x;
  const down = scope.at("downsample");
  return batchNorm(down.at("1"), convolution(down.at("0"), x, { filters, kernel: 1, stride }));
}
