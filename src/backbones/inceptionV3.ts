import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { concat } from "../ops/layout.ts";
import { averagePool, maxPool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolutionUnit, linear, mapMeans, type UnitOptions } from "./blocks.ts";
import { minusOneToOne } from "./cards.ts";

/**
 * Inception-v3 (Szegedy et al. 2015, table 1). Its published weights expect pixels between −1 and 1:
 * torchvision's `transform_input` brings ImageNet's normalisation to that, and is no part of the graph here.
 */
export const inceptionV3Architectures: readonly Architecture[] = architecturesOf({ inception_v3: {} }, () => ({
  side: 299,
  smallestSide: 75,
  body: inceptionV3,
  top: (scope, maps, classes) =>
    linear(scope.at("fc"), dropInTraining(scope.at("dropout"), mapMeans(maps), 0.5), classes),
  normalisation: minusOneToOne,
  unused: ["AuxLogits."],
}));

/** Feature maps [N, 2048, H', W'] of images x [N, 3, H, W], 8×8 at 299, with torchvision's parameter names. */
function inceptionV3(scope: Scope, x: Value): Value {
  let y = unit(scope.at("Conv2d_1a_3x3"), x, 32, 3, { stride: 2, padding: 0 });
  y = unit(scope.at("Conv2d_2a_3x3"), y, 32, 3, { padding: 0 });
  y = halve(unit(scope.at("Conv2d_2b_3x3"), y, 64, 3));
  y = unit(scope.at("Conv2d_3b_1x1"), y, 80, 1);
  y = halve(unit(scope.at("Conv2d_4a_3x3"), y, 192, 3, { padding: 0 }));
  y = moduleA(scope.at("Mixed_5b"), y, 32);
  y = moduleA(scope.at("Mixed_5c"), y, 64);
  y = moduleA(scope.at("Mixed_5d"), y, 64);
  y = reductionB(scope.at("Mixed_6a"), y);
  y = moduleC(scope.at("Mixed_6b"), y, 128);
  y = moduleC(scope.at("Mixed_6c"), y, 160);
  y = moduleC(scope.at("Mixed_6d"), y, 160);
  y = moduleC(scope.at("Mixed_6e"), y, 192);
  y = reductionD(scope.at("Mixed_7a"), y);
  return moduleE(scope.at("Mixed_7c"), moduleE(scope.at("Mixed_7b"), y));
}

/** A 5×5 also as two 3×3 (figure 5). */
function moduleA(scope: Scope, x: Value, pooled: number): Value {
  return concat(
    unit(scope.at("branch1x1"), x, 64, 1),
    chain(scope, "branch5x5", x, [48, 64], [1, 5]),
    chain(scope, "branch3x3dbl", x, [64, 96, 96], [1, 3, 3]),
    unit(scope.at("branch_pool"), nearMeans(x), pooled, 1),
    { axis: 1 },
  );
}

const halving = { stride: 2, padding: 0 };

/** Half the size, by filters and by maxima side by side (figure 10). */
function reductionB(scope: Scope, x: Value): Value {
  return concat(
    unit(scope.at("branch3x3"), x, 384, 3, halving),
    chain(scope, "branch3x3dbl", x, [64, 96, 96], [1, 3, 3], halving),
    halve(x),
    { axis: 1 },
  );
}

const row = [1, 7] as const;
const column = [7, 1] as const;

/** 7×7 filters as 1×7 and 7×1 (figure 6, n = 7). */
function moduleC(scope: Scope, x: Value, inner: number): Value {
  return concat(
    unit(scope.at("branch1x1"), x, 192, 1),
    chain(scope, "branch7x7", x, [inner, inner, 192], [1, row, column]),
    chain(scope, "branch7x7dbl", x, [inner, inner, inner, inner, 192], [1, column, row, column, row]),
    unit(scope.at("branch_pool"), nearMeans(x), 192, 1),
    { axis: 1 },
  );
}

function reductionD(scope: Scope, x: Value): Value {
  return concat(
    chain(scope, "branch3x3", x, [192, 320], [1, 3], halving),
    chain(scope, "branch7x7x3", x, [192, 192, 192, 192], [1, row, column, 3], halving),
    halve(x),
    { axis: 1 },
  );
}

/** 1×3 and 3×1 side by side (figure 7). */
function moduleE(scope: Scope, x: Value): Value {
  return concat(
    unit(scope.at("branch1x1"), x, 320, 1),
    ...fork(scope, "branch3x3_2", unit(scope.at("branch3x3_1"), x, 384, 1)),
    ...fork(scope, "branch3x3dbl_3", chain(scope, "branch3x3dbl", x, [448, 384], [1, 3])),
    unit(scope.at("branch_pool"), nearMeans(x), 192, 1),
    { axis: 1 },
  );
}

function fork(scope: Scope, name: string, x: Value): readonly Value[] {
  return [unit(scope.at(`${name}a`), x, 384, [1, 3]), unit(scope.at(`${name}b`), x, 384, [3, 1])];
}

type Kernel = UnitOptions["kernel"];
type Rest = Pick<UnitOptions, "stride" | "padding">;

/** Layers one after another, called `name_1`, `name_2` …; `last` holds for the last one. */
function chain(
  scope: Scope,
  name: string,
  x: Value,
  filters: readonly number[],
  kernels: readonly Kernel[],
  last: Rest = {},
): Value {
  let y = x;
  filters.forEach((count, i) => {
    y = unit(scope.at(`${name}_${i + 1}`), y, count, kernels[i] ?? 1, i === filters.length - 1 ? last : {});
  });
  return y;
}

function unit(scope: Scope, x: Value, filters: number, kernel: Kernel, rest: Rest = {}): Value {
  return convolutionUnit(scope, x, { filters, kernel, ...rest, names: ["conv", "bn"], epsilon: 1e-3 });
}

/** Means of 3×3 places, zeros around the map counted. */
function nearMeans(x: Value): Value {
  return averagePool(x, { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 });
}

function halve(x: Value): Value {
  return maxPool(x, { kernel_shape: [3, 3], strides: [2, 2] });
}
