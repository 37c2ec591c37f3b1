import type { Tensor } from "../base/tensor.ts";
import { nodesOf } from "../graph/traverse.ts";
import type { Value } from "../graph/value.ts";

/** Where a classifier multiplies by weights for the last time. */
export interface LastLayer {
  /** What it judges by. */
  readonly features: Value | undefined;
  /** Its matrix or kernel. */
  readonly weight: Value;
  readonly tensor: Tensor;
}

/** The last layer with weights, or nothing where there is none. */
export function lastLayer(scores: Value): LastLayer | undefined {
  for (const { inputs } of [...nodesOf([scores])].reverse()) {
    for (const value of inputs) {
      if (value?.source.kind !== "constant" || value.dtype !== "float32" || value.rank < 2) continue;
      const { tensor } = value.source;
      if (Math.min(...tensor.shape.slice(0, 2)) < 2) continue;
      const features = inputs.find(
        (other) => other !== undefined && other !== value && other.source.kind !== "constant",
      );
      return { features, weight: value, tensor };
    }
  }
  return undefined;
}
