import { log, max, mul, neg } from "../../ops/arithmetic.ts";
import { cast, greaterOrEqual } from "../../ops/comparison.ts";
import { stopGradient } from "../../ops/gradientControl.ts";
import { reduceMax, reduceSum } from "../../ops/reductions.ts";
import type { DomainTerm } from "./domainBatch.ts";

/** Answers below it are no labels yet (Sohn et al. 2020, §2.1). */
const surety = 0.95;
/** T₁ and T₂ of the paper as shares of the training, and what the weight ends at. */
const [begins, isFull, fullWeight] = [0.15, 0.85, 3];

/** α at a share of the training: 0, then rising evenly, then 3 (Lee 2013, eq. 16), so that the first labels, which are poor, do not count. */
export function pseudoLabelStrength(share: number): number {
  return fullWeight * Math.min(1, Math.max(0, (share - begins) / (isFull - begins)));
}

/**
 * Self-training (Lee 2013, eq. 14–15): the cross-entropy of target images with the class that the classifier gives them now, as if it were their label.
 * Only images whose answer is sure count, as a mean over all target images of the batch (Sohn et al. 2020, eq. 4).
 */
export function pseudoLabels(): DomainTerm {
  return ({ prediction, targetShares }) => {
    const largest = reduceMax(prediction, [1], { keepdims: 1 }); // the probability of the label, [N, 1]
    const isSure = cast(greaterOrEqual(stopGradient(largest), surety), "float32");
    const loss = neg(log(max(largest, 1e-7)));
    return reduceSum(mul(mul(targetShares, isSure), loss), { keepdims: 0 });
  };
}
