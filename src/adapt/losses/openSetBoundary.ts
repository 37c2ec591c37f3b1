import { add, log, max, mul, neg, sub } from "../../ops/arithmetic.ts";
import { reduceSum } from "../../ops/reductions.ts";
import { slice } from "../../ops/slicing.ts";
import type { DomainTerm } from "./domainBatch.ts";

/** t of the paper: how unknown the classifier is to call every target image. */
const boundary = 0.5;
const leastProbability = 1e-7;

/**
 * OSBP (Saito, Yamamoto, Ushiku & Harada 2018, L_adv): the binary cross-entropy of target images, −t·ln p − (1 − t)·ln(1 − p), with p the probability of the
 * last of K + 1 classes, the unknown one, and t = ½. A layer gives the answers [N, K + 1] to features whose gradient passes reversed: the classifier is to
 * call every target image half unknown, and the features get away from that, to the source's classes or to the unknown one, whichever is nearer.
 */
export function openSetBoundary(answers: string): DomainTerm {
  return ({ targetShares, layerOutput }) => {
    const probabilities = layerOutput(answers);
    const classes = Number(probabilities.shape[1]);
    const unknown = slice(probabilities, [classes - 1], [classes], [1]); // [N, 1]
    const isUnknown = mul(log(max(unknown, leastProbability)), boundary);
    const isKnown = mul(log(max(sub(1, unknown), leastProbability)), 1 - boundary);
    return neg(reduceSum(mul(targetShares, add(isUnknown, isKnown)), { keepdims: 0 }));
  };
}
