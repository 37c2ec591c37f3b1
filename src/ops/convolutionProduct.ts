import { isStatic } from "../base/shapes.ts";
import { sizeOf } from "../base/tensor.ts";
import { rewrite } from "../graph/rewrite.ts";
import type { Node, Value } from "../graph/value.ts";
import { add } from "./arithmetic.ts";
import { fewestPositions } from "./blockedConvolution.ts";
import { conv, convTranspose } from "./convolution.ts";
import { columnsOf } from "./convolutionColumns.ts";
import { reshape } from "./layout.ts";
import { matmul } from "./products.ts";
import { transpose } from "./transpose.ts";
import { adjointWindow, windowOfNode } from "./window.ts";

/** Fewer channels than this make a product too thin to pay for its columns. */
const fewestChannels = 64;

/**
 * Writes convolutions on deep, small maps, and their input gradients at stride 1, as one matrix product over the whole batch:
 * the runtime multiplies image by image, which leaves a few dozen columns to each product.
 */
export function convolutionsAsProducts(outputs: readonly Value[]): readonly Value[] {
  return rewrite(outputs, (node, inputs) => {
    const [x, w, b] = inputs;
    if (x === undefined || w === undefined || !isDeepAndSmall(node)) return undefined;
    if (node.operator === conv.operator) {
      const window = windowOfNode(node, x, w);
      const lengths = node.outputs[0].staticShape.slice(2);
      const [filters] = w.staticShape;
      return [product(reshape(w, [filters, -1]), columnsOf(x, { lengths, window }), node.outputs[0], b)];
    }
    const window = windowOfNode(node, x, w);
    const adjoint = window.strides.every((stride) => stride === 1) ? adjointWindow(window) : undefined;
    if (adjoint === undefined) return undefined;
    const lengths = node.outputs[0].staticShape.slice(2);
    const [outputs, channels, ...kernel] = w.staticShape;
    const exchanged = transpose(reshape(w, [outputs, channels, sizeOf(kernel)]), { perm: [1, 0, 2] }); // [C, O, k]
    const columns = columnsOf(x, { lengths, window: adjoint, reversed: true });
    return [product(reshape(exchanged, [channels, -1]), columns, node.outputs[0], b)];
  });
}

/** filter [O, C·k] · columns [C, k·N·P] in the shape of `like`, [N, O, …]. */
function product(filter: Value, columns: Value, like: Value, bias: Value | undefined): Value {
  const [count, filters, ...lengths] = like.staticShape;
  const depth = filter.staticShape[1];
  const result = matmul(filter, reshape(columns, [depth, count * sizeOf(lengths)]));
  const shifted = bias === undefined ? result : add(result, reshape(bias, [filters, 1]));
  const split = reshape(shifted, [filters, count, ...lengths]);
  return transpose(split, { perm: [1, 0, ...lengths.map((_, i) => i + 2)] });
}

function isDeepAndSmall(node: Node): boolean {
  const [x, w] = node.inputs;
  if (node.operator !== conv.operator && node.operator !== convTranspose.operator) return false;
  if (x === undefined || w === undefined || node.attributes["group"] !== 1) return false;
  if (!isStatic(node.outputs[0].shape)) return false;
  const [count, , ...lengths] = node.outputs[0].staticShape;
  const [outputs, channels] = w.staticShape;
  return count * sizeOf(lengths) < fewestPositions && count > 1 && Math.min(outputs, channels) >= fewestChannels;
}
