import { constantOf } from "../../graph/value.ts";
import type { Loss } from "../../nn/loss.ts";
import { sparseCategoricalCrossentropy } from "../../nn/losses.ts";
import { add, mul } from "../../ops/arithmetic.ts";
import { informationMaximisation } from "./informationMaximisation.ts";

/** β of the paper's experiments. */
const pseudoLabelWeight = 0.3;

/**
 * What SHOT learns by on target images alone (Liang, Hu & Feng 2020, eq. 7): information maximisation, and β times the cross-entropy with
 * pseudo-labels, which are the targets, [N] int32. Only features learn; the classifier is the source's hypothesis and stays.
 */
export function sourceHypothesisLoss(): Loss {
  const crossentropy = sparseCategoricalCrossentropy();
  return {
    name: "shot",
    target: crossentropy.target,
    perSample(target, prediction, layerOutput) {
      const count = prediction.staticShape[0] ?? 0;
      const all = (value: number) => constantOf("float32", [count, 1], new Array<number>(count).fill(value));
      const shares = { sourceShares: all(0), targetShares: all(1 / count), isTarget: all(1) };
      const held = informationMaximisation()({ ...shares, prediction, layerOutput });
      return add(mul(crossentropy.perSample(target, prediction, layerOutput), pseudoLabelWeight), held);
    },
  };
}
