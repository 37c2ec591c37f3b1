import type { Value } from "../../graph/value.ts";
import { add, log, max, mul, neg, sub } from "../../ops/arithmetic.ts";
import { reduceSum } from "../../ops/reductions.ts";
import { slice } from "../../ops/slicing.ts";
import type { ScheduledTerm } from "./domainBatch.ts";

/** t of the paper: how unknown the classifier is to call every target image. */
const boundary = 0.5;
const leastProbability = 1e-7;

/**
 * OSBP (Saito, Yamamoto, Ushiku & Harada 2018, L_adv): the binary cross-entropy of target images, −t·ln p − (1 − t)·ln(1 − p), with p the probability of the
 * last of K + 1 classes, the unknown one, and t = ½. The classifier is to call every target image half unknown, and the features, whose gradient is reversed,
 * get away from that: to the source's classes or to the unknown one, whichever is nearer. λ is of the features' gradient alone, as features that run away
 * from a classifier which has learned nothing yet do so at random.
 *
 * @param answers layers that give [N, K + 1] to features whose gradient passes reversed, and to features that get none
 */
export function openSetBoundary(answers: { readonly reversed: string; readonly detached: string }): ScheduledTerm {
  return ({ targetShares, layerOutput }, strength) => {
    const onTarget = (layer: string) => reduceSum(mul(targetShares, crossEntropy(layerOutput(layer))), { keepdims: 0 });
    return add(mul(strength, onTarget(answers.reversed)), mul(sub(1, strength), onTarget(answers.detached)));
  };
}

/** [N, 1] of probabilities [N, K + 1]. */
function crossEntropy(probabilities: Value): Value {
  const classes = Number(probabilities.shape[1]);
  const unknown = slice(probabilities, [classes - 1], [classes], [1]); // [N, 1]
  const isUnknown = mul(log(max(unknown, leastProbability)), boundary);
  const isKnown = mul(log(max(sub(1, unknown), leastProbability)), 1 - boundary);
  return neg(add(isUnknown, isKnown));
}
