import { z } from "zod";
import { flatten as flattenOp } from "../ops/layout.ts";
import { averagePool, globalAveragePool, maxPool } from "../ops/pooling.ts";
import { defineLayer, type Layer, only, padding, pair } from "./layer.ts";

const schema = z.object({ poolSize: pair.default([2, 2]), strides: pair.optional(), padding });

const maximum = defineLayer("MaxPooling2D", {
  schema,
  build: (_scope, inputs, config) => maxPool(only("MaxPooling2D", inputs, 4), windowOf(config)),
});

const average = defineLayer("AveragePooling2D", {
  schema,
  build: (_scope, inputs, config) => averagePool(only("AveragePooling2D", inputs, 4), windowOf(config)),
});

const globalAverage = defineLayer("GlobalAveragePooling2D", {
  schema: z.object({}),
  build: (_scope, inputs) => flattenOp(globalAveragePool(only("GlobalAveragePooling2D", inputs, 4))),
});

type PoolOptions = Omit<z.input<typeof schema>, "poolSize"> & { readonly name?: string };

/** The largest value of each window, as `keras.layers.MaxPooling2D`; strides default to the window. */
export function maxPooling2d(poolSize: number | [number, number] = 2, options: PoolOptions = {}): Layer {
  return maximum({ ...options, poolSize });
}

/** The mean of each window, as `keras.layers.AveragePooling2D`. */
export function averagePooling2d(poolSize: number | [number, number] = 2, options: PoolOptions = {}): Layer {
  return average({ ...options, poolSize });
}

/** The mean of each channel over the whole map, as `keras.layers.GlobalAveragePooling2D`. */
export function globalAveragePooling2d(options: { readonly name?: string } = {}): Layer {
  return globalAverage(options);
}

function windowOf(config: z.output<typeof schema>) {
  const auto_pad = config.padding === "same" ? "SAME_UPPER" : "VALID";
  return { kernel_shape: config.poolSize, strides: config.strides ?? config.poolSize, auto_pad };
}
