import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { initialize } from "./initializers.ts";
import type { Parameters } from "./scope.ts";

/** Freshly drawn parameters: each a function of (seed, path), whatever the order. */
export function initialTensors(parameters: Pick<Parameters, "list">, seed: number): Map<string, Tensor> {
  return new Map(
    parameters.list.map(({ path, shape, initializer, fanIn, fanOut }) => {
      const random = stream(seed, `initialize ${path}`);
      return [path, Tensor.of("float32", shape, initialize(initializer, { shape, fanIn, fanOut }, random))];
    }),
  );
}
