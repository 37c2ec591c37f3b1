import type { Node, Value } from "../graph/value.ts";
import { blockedAdjointFilter, blockedDepthwiseAdjoint, blockedFilter } from "./blockedFilter.ts";
import { canBeBlocked } from "./blockedOperators.ts";
import { adjointWindow, type Window, windowOfNode } from "./window.ts";

/** A convolution as the blocked operator does it. */
export interface BlockedConvolution {
  /** A first layer reads its few channels as they are. */
  readonly takesPlain: boolean;
  readonly filter: (w: Value) => Value;
  readonly attributes: Node["attributes"];
}

/** Below so many positions, reordering the filter costs more than the faster product gains (512→512 at 7×7, batch 16, has 784). */
export const fewestPositions = 2048;

/** How a Conv node can be blocked, or nothing when it cannot or should not. */
export function blockedConvolution(node: Node, block: number): BlockedConvolution | undefined {
  const [x, w] = node.inputs as readonly [Value, Value];
  const [y] = node.outputs;
  if (!isEligible(x, w, y, block)) return undefined;
  const [outputs, perGroup] = w.staticShape;
  const group = Number(node.attributes["group"]);
  const isDepthwise = group === outputs && perGroup === 1;
  const takesPlain = group === 1 && perGroup < block;
  if (!takesPlain && !canBeBlocked(x, block)) return undefined;
  if (group !== 1 && !isDepthwise) return undefined;
  const window = windowOfNode(node, x, w);
  return {
    takesPlain,
    filter: (filter) => blockedFilter(filter, block),
    attributes: attributesOf(window, group),
  };
}

/**
 * How the input gradient of a convolution, a ConvTranspose, can be blocked: at stride 1 it is a convolution with the
 * reversed filter and the pads that are left.
 */
export function blockedInputGradient(node: Node, block: number): BlockedConvolution | undefined {
  const [dy, w] = node.inputs as readonly [Value, Value];
  const [dx] = node.outputs;
  if (!isEligible(dy, w, dx, block) || !canBeBlocked(dy, block)) return undefined;
  const [outputs, perGroup] = w.staticShape;
  const group = Number(node.attributes["group"]);
  const isDepthwise = group === outputs && perGroup === 1;
  if ((group !== 1 && !isDepthwise) || !canBeBlocked(dx, block)) return undefined;
  const window = windowOfNode(node, dy, w);
  if (window.strides.some((stride) => stride !== 1)) return undefined;
  const adjoint = adjointWindow(window);
  if (adjoint === undefined) return undefined;
  return {
    takesPlain: false,
    filter: (filter) => (isDepthwise ? blockedDepthwiseAdjoint(filter, block) : blockedAdjointFilter(filter, block)),
    attributes: attributesOf(adjoint, group),
  };
}

function isEligible(x: Value, w: Value, y: Value, block: number): boolean {
  if (x.rank !== 4 || x.dtype !== "float32" || w.staticShape[0] % block !== 0 || !canBeBlocked(y, block)) return false;
  const [count, , height, width] = y.shape;
  return typeof count === "number" && count * Number(height) * Number(width) >= fewestPositions;
}

function attributesOf({ kernel, strides, dilations, padsBegin, padsEnd }: Window, group: number): Node["attributes"] {
  return { kernel_shape: kernel, strides, dilations, pads: [...padsBegin, ...padsEnd], group };
}
