import type { Node, Value } from "../graph/value.ts";
import { blockedConv, canBeBlocked, reorderOutput } from "./blockedOperators.ts";
import { convFilterGradient } from "./convolutionGradient.ts";
import { reshape } from "./layout.ts";
import { reduceSum } from "./reductions.ts";
import { slice } from "./slicing.ts";
import { windowOfNode } from "./window.ts";

/** Whether `node` is the filter gradient of a depthwise convolution of whole blocks. */
export function isDepthwiseFilterGradient(node: Node, block: number): boolean {
  if (node.operator !== convFilterGradient.operator) return false;
  const [dy, x] = node.inputs as readonly [Value, Value];
  const { padsBegin, padsEnd } = windowOfNode(node, x, node.outputs[0]);
  const isDepthwise = [dy, x].every(({ staticShape: [, channels] }) => channels === node.attributes["group"]);
  return isDepthwise && canBeBlocked(dy, block) && [...padsBegin, ...padsEnd].every((width) => width >= 0);
}

/**
 * It as one depthwise convolution: each image's dy is the filter that slides over the image's x, with strides and dilations
 * exchanged; the sum over the images is left. In blocked order, images one after another are channels one after another, and
 * dy has the order of a depthwise filter: nothing is copied.
 *
 * @param dy blocked
 * @param x blocked
 */
export function blockedDepthwiseFilterGradient(dy: Value, x: Value, node: Node): Value {
  const [count, channels, ...lengths] = dy.staticShape;
  const { kernel, strides, dilations, padsBegin, padsEnd } = windowOfNode(node, x, node.outputs[0]);
  const joined = count * channels;
  const slid = blockedConv(reshape(x, [1, joined, ...x.staticShape.slice(2)]), reshape(dy, [joined, 1, ...lengths]), {
    kernel_shape: lengths,
    strides: dilations,
    dilations: strides,
    pads: [...padsBegin, ...padsEnd],
    group: joined,
  });
  const perImage = reorderOutput(slid, { channels: joined });
  // Strides that leave a rest let the filter slide further than the kernel reaches.
  const taps = slice(perImage, [0, 0], kernel, [2, 3]);
  return reduceSum(reshape(taps, [count, channels, 1, ...kernel]), [0], { keepdims: 0 });
}
