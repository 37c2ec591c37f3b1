import type { Value } from "../graph/value.ts";
import { leakyRelu, relu, sigmoid, softmax, tanh } from "../ops/activations.ts";

/** Activations by their Keras names. */
export const activations = {
  linear: (x: Value) => x,
  relu: (x: Value) => relu(x),
  // Keras' default slope.
  leakyRelu: (x: Value) => leakyRelu(x, { alpha: 0.2 }),
  sigmoid: (x: Value) => sigmoid(x),
  tanh: (x: Value) => tanh(x),
  softmax: (x: Value) => softmax(x, { axis: 1 }),
} as const satisfies Record<string, (x: Value) => Value>;

export type ActivationName = keyof typeof activations;
export const activationNames = Object.keys(activations) as ActivationName[];
