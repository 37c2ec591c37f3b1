import type { Value } from "../graph/value.ts";
import { normaliseBatch } from "../nn/batchStatistics.ts";
import type { InitializerName } from "../nn/initializers.ts";
import type { Scope } from "../nn/scope.ts";
import { relu, sigmoid } from "../ops/activations.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { conv } from "../ops/convolution.ts";
import { layerNormalization } from "../ops/layerNormalisation.ts";
import { flatten, reshape } from "../ops/layout.ts";
import { globalAveragePool, maxPool } from "../ops/pooling.ts";
import { gemm } from "../ops/products.ts";

/** The modules that published architectures are made of, with PyTorch's names and layouts, so that state dicts load as they are. */
export interface ConvolutionOptions {
  readonly filters: number;
  readonly kernel: number | readonly [number, number];
  readonly stride?: number;
  /**
   * Zeros on every side, default as many as keep the size at stride 1; "same" pads as TensorFlow does,
   * which depends on the size and puts the odd pixel at the far end.
   */
  readonly padding?: number | readonly [number, number] | "same";
  readonly groups?: number;
  readonly bias?: boolean;
}

/** `nn.Conv2d`: x [N, C, H, W] → [N, filters, H', W']. */
export function convolution(scope: Scope, x: Value, options: ConvolutionOptions): Value {
  const { filters, stride = 1, groups = 1, bias = false } = options;
  const [kh, kw] = typeof options.kernel === "number" ? [options.kernel, options.kernel] : options.kernel;
  const perGroup = Number(x.shape[1]) / groups;
  const weight = scope.param("weight", [filters, perGroup, kh, kw], {
    initializer: "heNormal",
    fanIn: perGroup * kh * kw,
    fanOut: filters * kh * kw,
  });
  const shift = bias ? scope.param("bias", [filters], { initializer: "zeros" }) : undefined;
  const padding = options.padding ?? [(kh - 1) >> 1, (kw - 1) >> 1];
  return conv(x, weight, shift, { strides: [stride, stride], ...padsOf(padding), group: groups });
}

function padsOf(padding: number | readonly [number, number] | "same") {
  if (padding === "same") return { auto_pad: "SAME_UPPER" };
  const [ph, pw] = typeof padding === "number" ? [padding, padding] : padding;
  return { pads: [ph, pw, ph, pw] };
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

export interface NormedOptions extends ConvolutionOptions, BatchNormOptions {
  /** What the two modules with parameters are called. Default "0" and "1", as in an `nn.Sequential`. */
  readonly names?: readonly [convolution: string, norm: string];
}

/** Convolution, then batch normalisation. */
export function convolutionNorm(scope: Scope, x: Value, options: NormedOptions): Value {
  const [first, second] = options.names ?? ["0", "1"];
  return batchNorm(scope.at(second), convolution(scope.at(first), x, options), options);
}

export interface UnitOptions extends NormedOptions {
  /** Default relu. */
  readonly activation?: (x: Value) => Value;
}

/** Convolution, batch normalisation, activation: torchvision's `Conv2dNormActivation`. */
export function convolutionUnit(scope: Scope, x: Value, { activation = relu, ...options }: UnitOptions): Value {
  return activation(convolutionNorm(scope, x, options));
}

/** `nn.LayerNorm` over the last axis. */
export function layerNorm(scope: Scope, x: Value, epsilon: number): Value {
  const shape = [Number(x.shape.at(-1))];
  const weight = scope.param("weight", shape, { initializer: "ones" });
  return layerNormalization(x, weight, scope.param("bias", shape, { initializer: "zeros" }), { epsilon });
}

/** `nn.Linear` on the last axis: x [N, …, features] → [N, …, units]; the weight is [units, features]. */
export function linear(scope: Scope, x: Value, units: number, initializer: InitializerName = "heUniform"): Value {
  const features = Number(x.shape.at(-1));
  const weight = scope.param("weight", [units, features], { initializer, fanIn: features, fanOut: units });
  const bias = scope.param("bias", [units], { initializer: "zeros" });
  // One matrix product, whatever the leading axes: its weight gradient needs no sum over a batch of products.
  const rows = x.rank === 2 ? x : reshape(x, [-1, features]);
  const y = gemm(rows, weight, bias, { transB: 1 });
  return x.rank === 2 ? y : reshape(y, [-1, ...x.shape.slice(1, -1).map(Number), units]);
}

export interface SqueezeOptions {
  /** Channels between the two layers. */
  readonly squeezed: number;
  /** Default relu. */
  readonly activation?: (x: Value) => Value;
  /** Default sigmoid. */
  readonly gate?: (x: Value) => Value;
}

/** Scales each channel by what two layers make of all channels' means (Hu et al. 2018, section 3). */
export function squeezeExcitation(scope: Scope, x: Value, options: SqueezeOptions): Value {
  const { squeezed, activation = relu, gate = sigmoid } = options;
  const layer = (name: string, of: Value, filters: number) =>
    convolution(scope.at(name), of, { filters, kernel: 1, bias: true });
  const inner = activation(layer("fc1", globalAveragePool(x), squeezed));
  return mul(x, gate(layer("fc2", inner, Number(x.shape[1]))));
}

/** relu(x + y), as residual blocks end. */
export function addRelu(x: Value, y: Value): Value {
  return relu(add(x, y));
}

/** The 3×3 maximum of every second place, as stems end. */
export function stemPool(x: Value): Value {
  return maxPool(x, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
}

/** The mean of each map: [N, C, H, W] → [N, C]. */
export function mapMeans(x: Value): Value {
  return flatten(globalAveragePool(x));
}

/** The multiple of 8 nearest to a number of channels, but never under nine tenths of it (Howard et al. 2019's code, `_make_divisible`). */
export function multipleOf8(channels: number): number {
  const rounded = Math.max(8, Math.floor(channels / 8 + 0.5) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
