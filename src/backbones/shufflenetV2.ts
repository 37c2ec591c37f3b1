import type { Value } from "../graph/value.ts";
import type { Scope } from "../nn/scope.ts";
import { concat, reshape, transpose } from "../ops/layout.ts";
import { slice } from "../ops/slicing.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionNorm, convolutionUnit, linear, mapMeans, stemPool } from "./blocks.ts";

/** Output channels of the stages (Ma et al. 2018, table 5). */
const shufflenets = {
  shufflenet_v2_x0_5: [48, 96, 192],
  shufflenet_v2_x1_0: [116, 232, 464],
} as const satisfies Record<string, readonly number[]>;

const units = [4, 8, 4];

export const shufflenetV2Architectures: readonly Architecture[] = architecturesOf(
  shufflenets,
  (channels: readonly number[]) => ({
    smallestSide: 1,
    body: (scope, images) => shufflenetV2(scope, images, channels),
    top: (scope, maps, classes) => linear(scope.at("fc"), mapMeans(maps), classes),
  }),
);

/** Feature maps [N, 1024, H/32, W/32] of images x [N, 3, H, W], with torchvision's parameter names. */
function shufflenetV2(scope: Scope, x: Value, channels: readonly number[]): Value {
  let y = stemPool(convolutionUnit(scope.at("conv1"), x, { filters: 24, kernel: 3, stride: 2 }));
  channels.forEach((filters, i) => {
    const stage = scope.at(`stage${i + 2}`);
    y = halvingUnit(stage.at("0"), y, filters);
    for (let unit = 1; unit < (units[i] ?? 0); unit++) y = basicUnit(stage.at(String(unit)), y);
  });
  return convolutionUnit(scope.at("conv5"), y, { filters: 1024, kernel: 1 });
}

/** Half of the channels pass by (figure 3c). */
function basicUnit(scope: Scope, x: Value): Value {
  const half = Number(x.shape[1]) / 2;
  const passing = slice(x, [0], [half], [1]);
  const taken = slice(x, [half], [2 * half], [1]);
  return shuffle(concat(passing, branch(scope.at("branch2"), taken, half, 1), { axis: 1 }));
}

/** Both branches see all channels and halve the size (figure 3d). */
function halvingUnit(scope: Scope, x: Value, filters: number): Value {
  const left = scope.at("branch1");
  const y = convolutionNorm(left, x, { ...depthwise(x, 2), names: ["0", "1"] });
  const passing = convolutionUnit(left, y, { filters: filters / 2, kernel: 1, names: ["2", "3"] });
  return shuffle(concat(passing, branch(scope.at("branch2"), x, filters / 2, 2), { axis: 1 }));
}

/** 1×1, depthwise 3×3 without activation, 1×1. */
function branch(scope: Scope, x: Value, filters: number, stride: number): Value {
  const first = convolutionUnit(scope, x, { filters, kernel: 1, names: ["0", "1"] });
  const second = convolutionNorm(scope, first, { ...depthwise(first, stride), names: ["3", "4"] });
  return convolutionUnit(scope, second, { filters, kernel: 1, names: ["5", "6"] });
}

function depthwise(x: Value, stride: number) {
  const channels = Number(x.shape[1]);
  return { filters: channels, kernel: 3, stride, groups: channels };
}

/** Channels of two groups in turn: a b c, d e f → a d b e c f. */
function shuffle(x: Value): Value {
  const [channels, height, width] = [Number(x.shape[1]), Number(x.shape[2]), Number(x.shape[3])];
  const grouped = reshape(x, [0, 2, channels / 2, height, width]);
  return reshape(transpose(grouped, { perm: [0, 2, 1, 3, 4] }), [0, channels, height, width]);
}
