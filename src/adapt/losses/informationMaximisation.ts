import type { Value } from "../../graph/value.ts";
import { log, max, mul, sub } from "../../ops/arithmetic.ts";
import { reduceSum } from "../../ops/reductions.ts";
import type { DomainTerm } from "./domainBatch.ts";

/**
 * Information maximisation (Liang, Hu & Feng 2020, eq. 3): the mean entropy of the answers on target images, less the entropy of their mean,
 * so that each answer becomes sure and all together stay diverse.
 */
export function informationMaximisation(): DomainTerm {
  return ({ prediction, targetShares }) => {
    const entropies = negentropy(prediction);
    const mean = reduceSum(mul(prediction, targetShares), [0], { keepdims: 1 });
    const ofMean = reduceSum(negentropy(mean), { keepdims: 0 });
    return sub(ofMean, reduceSum(mul(entropies, targetShares), { keepdims: 0 }));
  };
}

/** Σ p·ln p of each row, [N, 1]. */
function negentropy(probabilities: Value): Value {
  return reduceSum(mul(probabilities, log(max(probabilities, 1e-12))), [1], { keepdims: 1 });
}
