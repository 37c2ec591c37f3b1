import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import {
  addRelu,
  convolutionNorm,
  convolutionUnit,
  linear,
  mapMeans,
  multipleOf8,
  squeezeExcitation,
  stemPool,
} from "./blocks.ts";

/** A residual network (He et al. 2015, table 1): the number of blocks of each stage, and what a block is. */
export interface ResnetConfig {
  readonly blocks: readonly number[];
  readonly block: "basic" | "bottleneck";
  /** Channels of a bottleneck's 3×3, over 64 a group and stage: 2 in Wide-ResNet-50-2 (Zagoruyko & Komodakis 2016). */
  readonly widthFactor?: number;
  /** Groups of a bottleneck's 3×3: 32 in ResNeXt-50 (Xie et al. 2017). */
  readonly groups?: number;
  /** Channels over those that squeeze and excitation leaves of a bottleneck's result: 16 in SE-ResNet-50 (Hu et al. 2018). */
  readonly squeeze?: number;
}

export const resnets = {
  resnet18: { blocks: [2, 2, 2, 2], block: "basic" },
  resnet34: { blocks: [3, 4, 6, 3], block: "basic" },
  resnet50: { blocks: [3, 4, 6, 3], block: "bottleneck" },
  resnet101: { blocks: [3, 4, 23, 3], block: "bottleneck" },
  resnet152: { blocks: [3, 8, 36, 3], block: "bottleneck" },
  wide_resnet50_2: { blocks: [3, 4, 6, 3], block: "bottleneck", widthFactor: 2 },
  resnext50_32x4d: { blocks: [3, 4, 6, 3], block: "bottleneck", groups: 32, widthFactor: 2 },
  seresnet50: { blocks: [3, 4, 6, 3], block: "bottleneck", squeeze: 16 },
} as const satisfies Record<string, ResnetConfig>;

export const resnetArchitectures: readonly Architecture[] = architecturesOf(resnets, (config: ResnetConfig) => ({
  smallestSide: 1,
  body: (scope, images) => resnet(scope, images, config),
  top: (scope, maps, classes) => linear(scope.at("fc"), mapMeans(maps), classes),
}));

/** Feature maps [N, 512 or 2048, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names (timm's in `seresnet50`). */
export function resnet(scope: Scope, x: Value, config: ResnetConfig): Value {
  let y = stemPool(convolutionUnit(scope, x, { names: ["conv1", "bn1"], filters: 64, kernel: 7, stride: 2 }));
  config.blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const block = config.block === "basic" ? basicBlock : bottleneck;
      y = block(scope.at(`layer${stage + 1}`).at(String(i)), y, { width: 64 * 2 ** stage, stride, config });
    }
  });
  return y;
}

interface BlockOptions {
  readonly width: number;
  readonly stride: number;
  readonly config: ResnetConfig;
}

/** Two 3×3 convolutions (figure 5, left). */
function basicBlock(scope: Scope, x: Value, { width, stride }: BlockOptions): Value {
  const first = convolutionUnit(scope, x, { names: ["conv1", "bn1"], filters: width, kernel: 3, stride });
  const second = convolutionNorm(scope, first, { names: ["conv2", "bn2"], filters: width, kernel: 3 });
  return addRelu(second, shortcut(scope, x, width, stride));
}

/** 1×1, 3×3, 1×1 (figure 5, right); the stride is the 3×3's, as in torchvision's "v1.5". */
function bottleneck(scope: Scope, x: Value, { width, stride, config }: BlockOptions): Value {
  const { widthFactor = 1, groups = 1, squeeze } = config;
  const inner = width * widthFactor;
  const filters = 4 * width;
  const first = convolutionUnit(scope, x, { names: ["conv1", "bn1"], filters: inner, kernel: 1 });
  const second = convolutionUnit(scope, first, { names: ["conv2", "bn2"], filters: inner, kernel: 3, stride, groups });
  const third = convolutionNorm(scope, second, { names: ["conv3", "bn3"], filters, kernel: 1 });
  const scaled =
    squeeze === undefined
      ? third
      : squeezeExcitation(scope.at("se"), third, { squeezed: multipleOf8(filters / squeeze) });
  return addRelu(scaled, shortcut(scope, x, filters, stride));
}

/** The identity, or a projection where the shape changes (option B). */
function shortcut(scope: Scope, x: Value, filters: number, stride: number): Value {
  if (stride === 1 && x.shape[1] === filters) return x;
  return convolutionNorm(scope.at("downsample"), x, { filters, kernel: 1, stride });
}
