import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { dropout as dropoutOp } from "../ops/dropout.ts";
import { flatten as flattenOp, transpose } from "../ops/layout.ts";
import { gemm } from "../ops/products.ts";
import { type ActivationName, activations } from "./activations.ts";
import { activation, defineLayer, initializer, type Layer, only, regularizer } from "./layer.ts";
import type { Scope } from "./scope.ts";

const fullyConnected = defineLayer("Dense", {
  schema: z.object({
    units: z.number().int().positive(),
    activation,
    useBias: z.boolean().default(true),
    kernelInitializer: initializer("glorotUniform"),
    biasInitializer: initializer("zeros"),
    kernelRegularizer: regularizer,
    biasRegularizer: regularizer,
  }),
  build(scope, inputs, config) {
    const x = only("Dense", inputs, 2);
    const features = Number(x.shape[1]);
    const kernel = scope.param("kernel", [features, config.units], {
      initializer: config.kernelInitializer,
      fanIn: features,
      fanOut: config.units,
      regularizer: config.kernelRegularizer,
    });
    const bias = config.useBias
      ? scope.param("bias", [config.units], {
          initializer: config.biasInitializer,
          regularizer: config.biasRegularizer,
        })
      : undefined;
    return activations[config.activation](gemm(x, kernel, bias));
  },
});

const flattening = defineLayer("Flatten", {
  schema: z.object({}),
  build(_scope, [x]) {
    // Keras flattens channels last, and imported Dense kernels rely on that order.
    return flattenOp(x.rank === 4 ? transpose(x, { perm: [0, 2, 3, 1] }) : x);
  },
});

const dropping = defineLayer("Dropout", {
  schema: z.object({ rate: z.number().min(0).lt(1) }),
  build: (scope, [x], { rate }) => dropInTraining(scope, x, rate),
});

const activating = defineLayer("Activation", {
  schema: z.object({ activation }),
  build: (_scope, [x], config) => activations[config.activation](x),
});

/** Dropout of x [N, …] when the graph is one for training, else x. */
export function dropInTraining(scope: Scope, x: Value, rate: number): Value {
  const { dropoutKeys } = scope.build;
  return dropoutKeys === undefined ? x : dropoutOp(x, rate, dropoutKeys, scope.path);
}

/** Every input to every unit, as `keras.layers.Dense`. */
export function dense(units: number, options: Omit<Parameters<typeof fullyConnected>[0], "units"> = {}): Layer {
  return fullyConnected({ ...options, units });
}

/** One row per sample, channels last, as `keras.layers.Flatten`. */
export function flatten(options: { readonly name?: string } = {}): Layer {
  return flattening(options);
}

/** Zeroes a fraction of the entries during training, as `keras.layers.Dropout`. */
export function dropout(rate: number, options: { readonly name?: string } = {}): Layer {
  return dropping({ ...options, rate });
}

/** An activation on its own, as `keras.layers.Activation`. */
export function activate(name: ActivationName, options: { readonly name?: string } = {}): Layer {
  return activating({ ...options, activation: name });
}
