import type { Value } from "../graph/value.ts";
import { normaliseBatch } from "../nn/batchStatistics.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { add } from "../ops/arithmetic.ts";
import { conv } from "../ops/convolution.ts";
import { gemm } from "../ops/products.ts";
import { transpose } from "../ops/transpose.ts";

/** The modules that published architectures are made of, with PyTorch's names and layouts, so that state dicts load as they are. */
export interface ConvolutionOptions {
  readonly filters: number;
  readonly kernel: number | readonly [number, number];
  readonly stride?: number;
  /** Zeros on every side. Default: as many as keep the size at stride 1. */
  readonly padding?: number | readonly [number, number];
  readonly groups?: number;
  readonly bias?: boolean;
}

/** `nn.Conv2d`: x [N, C, H, W] → [N, filters, H', W']. */
export function convolution(scope: Scope, x: Value, options: ConvolutionOptions): Value {
  const { filters, stride = 1, groups = 1, bias = false } = options;
  const [kh, kw] = typeof options.kernel === "number" ? [options.kernel, options.kernel] : options.kernel;
  const padding = options.padding ?? [(kh - 1) >> 1, (kw - 1) >> 1];
  const [ph, pw] = typeof padding === "number" ? [padding, padding] : padding;
  const perGroup = Number(x.shape[1]) / groups;
  const weight = scope.param("weight", [filters, perGroup, kh, kw], {
    initializer: "heNormal",
    fanIn: perGroup * kh * kw,
    fanOut: filters * kh * kw,
  });
  const shift = bias ? scope.param("bias", [filters], { initializer: "zeros" }) : undefined;
  return conv(x, weight, shift, { strides: [stride, stride], pads: [ph, pw, ph, pw], group: groups });
}

export interface BatchNormOptions {
  readonly epsilon?: number;
  /** The share of the old running statistics that stays: 1 − PyTorch's `momentum`. */
  readonly momentum?: number;
}

/** `nn.BatchNorm2d`. While its statistics are frozen it is the affine map that it is at inference. */
export function batchNorm(scope: Scope, x: Value, { epsilon = 1e-5, momentum = 0.9 }: BatchNormOptions = {}): Value {
  const shape = [Number(x.shape[1])];
  const weight = scope.param("weight", shape, { initializer: "ones" });
  const bias = scope.param("bias", shape, { initializer: "zeros" });
  return normaliseBatch(scope, x, {
    scale: weight,
    bias,
    meanName: "running_mean",
    varianceName: "running_var",
    epsilon,
    momentum,
  });
}

/** `nn.Linear`: x [N, features] → [N, units]; the weight is [units, features]. */
export function linear(scope: Scope, x: Value, units: number): Value {
  const features = Number(x.shape[1]);
  const weight = scope.param("weight", [units, features], { initializer: "heUniform", fanIn: features, fanOut: units });
  return gemm(x, transpose(weight, { perm: [1, 0] }), scope.param("bias", [units], { initializer: "zeros" }));
}

/** relu(x + y), as residual blocks end. */
export function addRelu(x: Value, y: Value): Value {
  return relu(add(x, y));
}
