import { z } from "zod";
import { add as addOp, mul } from "../ops/arithmetic.ts";
import { normaliseBatch } from "./batchStatistics.ts";
import { defineLayer, initializer, type Layer, regularizer } from "./layer.ts";

const normalising = defineLayer("BatchNormalization", {
  schema: z.object({
    momentum: z.number().min(0).max(1).default(0.99),
    epsilon: z.number().positive().default(1e-3),
    center: z.boolean().default(true),
    scale: z.boolean().default(true),
    betaInitializer: initializer("zeros"),
    gammaInitializer: initializer("ones"),
    betaRegularizer: regularizer,
    gammaRegularizer: regularizer,
  }),
  build(scope, [x], config) {
    const shape = [Number(x.shape[1])];
    const gamma = scope.param("gamma", shape, {
      initializer: config.gammaInitializer,
      regularizer: config.gammaRegularizer,
      trainable: config.scale,
    });
    const beta = scope.param("beta", shape, {
      initializer: config.betaInitializer,
      regularizer: config.betaRegularizer,
      trainable: config.center,
    });
    const { epsilon, momentum } = config;
    return normaliseBatch(scope, x, {
      scale: gamma,
      bias: beta,
      meanName: "movingMean",
      varianceName: "movingVariance",
      epsilon,
      momentum,
    });
  },
});

const rescale = defineLayer("Rescaling", {
  schema: z.object({ scale: z.number(), offset: z.number().default(0) }),
  build: (_scope, [x], { scale, offset }) => (offset === 0 ? mul(x, scale) : addOp(mul(x, scale), offset)),
});

/** Normalises each channel over the batch, with running statistics at inference, as `keras.layers.BatchNormalization`. */
export function batchNormalization(options: Parameters<typeof normalising>[0] = {}): Layer {
  return normalising(options);
}

/** scale·x + offset, as `keras.layers.Rescaling`. */
export function rescaling(scale: number, options: { readonly offset?: number; readonly name?: string } = {}): Layer {
  return rescale({ ...options, scale });
}
