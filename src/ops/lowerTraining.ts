import { expandComposites } from "../graph/composite.ts";
import { deduplicate } from "../graph/deduplicate.ts";
import { nodesOf } from "../graph/traverse.ts";
import type { Value } from "../graph/value.ts";
import { isDepthwiseFilterGradient } from "./blockedFilterGradient.ts";
import { toBlockedLayout } from "./blockedLayout.ts";
import { conv } from "./convolution.ts";
import { convolutionsAsProducts } from "./convolutionProduct.ts";
import { openBatchNorm } from "./normalisation.ts";

/**
 * A training step's graph as it runs fastest: batch normalisation opened, what forward and backward pass both compute shared,
 * convolutions in the blocked layout or, where maps are small, as products.
 *
 * @param block channels in a block, or nothing where the runtime has no blocked layout
 */
export function lowerTraining(outputs: readonly Value[], block: number | undefined): readonly Value[] {
  const written = expandComposites(
    convolutionsAsProducts(openBatchNorm(outputs)),
    (node) => block !== undefined && isDepthwiseFilterGradient(node, block),
  );
  const shared = deduplicate(written);
  return block === undefined ? shared : toBlockedLayout(shared, block);
}

/** Whether there is anything that a layout could speed up. */
export function hasConvolution(outputs: readonly Value[]): boolean {
  return nodesOf(outputs).some(({ operator }) => operator === conv.operator);
}
