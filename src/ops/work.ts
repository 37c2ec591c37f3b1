import { isStatic } from "../base/shapes.ts";
import { sizeOf } from "../base/tensor.ts";
import { nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import { conv } from "./convolution.ts";
import { gemm, matmul } from "./products.ts";

/** Products that a graph's convolutions and matrix products sum up; infinite where a length is not known before it runs. */
export function multiplyAdds(outputs: readonly Value[]): number {
  return nodesOf(outputs).reduce((sum, node) => sum + multiplyAddsOf(node), 0);
}

/** Of one node; 0 for all other operators. */
export function multiplyAddsOf({ operator, inputs, outputs, attributes }: Node): number {
  const [a, b] = inputs;
  // Each answer sums over one filter, or over one row.
  if (operator === conv.operator) return sizeFrom(outputs[0]) * sizeFrom(b, 1);
  if (operator === matmul.operator) return sizeFrom(outputs[0]) * sizeFrom(a, -1);
  if (operator === gemm.operator)
    return sizeFrom(outputs[0]) * (attributes["transA"] === 1 ? sizeFrom(a, 0, 1) : sizeFrom(a, -1));
  return 0;
}

/** Elements along the axes of a slice of the shape. */
function sizeFrom(value: Value | undefined, start = 0, end?: number): number {
  const shape = value?.type?.shape.slice(start, end);
  return shape !== undefined && isStatic(shape) ? sizeOf(shape) : Number.POSITIVE_INFINITY;
}
