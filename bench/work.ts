import { nodesOf } from "../src/graph/traverse.ts";
import { batchInput, forward } from "../src/nn/network.ts";
import { startBuild } from "../src/nn/scope.ts";
import { multiplyAddsOf } from "../src/ops/work.ts";
import { type ModelName, networkOf } from "./models.ts";

/** Floating-point operations an image, two for each product that is summed: convolutions and matrix products alone. */
export interface Work {
  readonly forward: number;
  /** Forward and backward; the first layer needs no gradient of its input. */
  readonly step: number;
}

export function workOf(name: ModelName): Work {
  const network = networkOf(name);
  const predictions = forward(network, batchInput(network, 1, "float32"), startBuild(network.parameters));
  const layers = nodesOf([predictions])
    .map((node) => 2 * multiplyAddsOf(node))
    .filter((work) => work > 0);
  const once = layers.reduce((sum, work) => sum + work, 0);
  return { forward: once, step: 3 * once - (layers[0] ?? 0) };
}
