import { z } from "zod";
import { conv } from "../ops/convolution.ts";
import { activations } from "./activations.ts";
import { activation, defineLayer, initializer, type Layer, only, padding, pair, regularizer } from "./layer.ts";

const shared = {
  kernelSize: pair,
  strides: pair.default([1, 1]),
  padding,
  dilationRate: pair.default([1, 1]),
  activation,
  useBias: z.boolean().default(true),
  biasInitializer: initializer("zeros"),
  biasRegularizer: regularizer,
};

const convolution = defineLayer("Conv2D", {
  schema: z.object({
    ...shared,
    filters: z.number().int().positive(),
    groups: z.number().int().positive().default(1),
    kernelInitializer: initializer("glorotUniform"),
    kernelRegularizer: regularizer,
  }),
  build(scope, inputs, config) {
    const x = only("Conv2D", inputs, 4);
    const [kh, kw] = config.kernelSize;
    const perGroup = Number(x.shape[1]) / config.groups;
    const kernel = scope.param("kernel", [config.filters, perGroup, kh, kw], {
      initializer: config.kernelInitializer,
      fanIn: perGroup * kh * kw,
      fanOut: config.filters * kh * kw,
      regularizer: config.kernelRegularizer,
    });
    const bias = config.useBias
      ? scope.param("bias", [config.filters], {
          initializer: config.biasInitializer,
          regularizer: config.biasRegularizer,
        })
      : undefined;
    return activations[config.activation](conv(x, kernel, bias, { ...windowOf(config), group: config.groups }));
  },
});

const depthwise = defineLayer("DepthwiseConv2D", {
  schema: z.object({
    ...shared,
    depthMultiplier: z.number().int().positive().default(1),
    depthwiseInitializer: initializer("glorotUniform"),
    depthwiseRegularizer: regularizer,
  }),
  build(scope, inputs, config) {
    const x = only("DepthwiseConv2D", inputs, 4);
    const [kh, kw] = config.kernelSize;
    const channels = Number(x.shape[1]);
    const filters = channels * config.depthMultiplier;
    const kernel = scope.param("kernel", [filters, 1, kh, kw], {
      initializer: config.depthwiseInitializer,
      fanIn: channels * kh * kw,
      fanOut: config.depthMultiplier * kh * kw,
      regularizer: config.depthwiseRegularizer,
    });
    const bias = config.useBias
      ? scope.param("bias", [filters], { initializer: config.biasInitializer, regularizer: config.biasRegularizer })
      : undefined;
    return activations[config.activation](conv(x, kernel, bias, { ...windowOf(config), group: channels }));
  },
});

/** 2-D convolution with `filters` kernels of `kernelSize`, as `keras.layers.Conv2D`. */
export function conv2d(
  filters: number,
  kernelSize: number | [number, number],
  options: Omit<Parameters<typeof convolution>[0], "filters" | "kernelSize"> = {},
): Layer {
  return convolution({ ...options, filters, kernelSize });
}

/** One kernel (or `depthMultiplier`) per channel, as `keras.layers.DepthwiseConv2D`. */
export function depthwiseConv2d(
  kernelSize: number | [number, number],
  options: Omit<Parameters<typeof depthwise>[0], "kernelSize"> = {},
): Layer {
  return depthwise({ ...options, kernelSize });
}

/** Keras' "same" pads as TensorFlow does, the odd pixel at the far end: ONNX's SAME_UPPER. */
function windowOf(config: {
  readonly strides: readonly number[];
  readonly dilationRate: readonly number[];
  readonly padding: "valid" | "same";
}) {
  const auto_pad = config.padding === "same" ? "SAME_UPPER" : "VALID";
  return { strides: config.strides, dilations: config.dilationRate, auto_pad };
}
