import type { Value } from "../../graph/value.ts";
import { logSoftmax } from "../../ops/activations.ts";
import { add, exp, log, max, mul, neg, sub } from "../../ops/arithmetic.ts";
import { argMax, cast } from "../../ops/comparison.ts";
import { stopGradient } from "../../ops/gradientControl.ts";
import { oneHot } from "../../ops/oneHot.ts";
import { reduceSum } from "../../ops/reductions.ts";
import type { DomainTerm } from "./domainBatch.ts";

/** γ = e^ρ of the margin ρ: of the paper's experiments. */
const marginFactor = 4;

/**
 * Margin disparity discrepancy (Zhang, Liu, Long & Jordan 2019, eq. 27–30). A second classifier, whose logits [N, classes] a layer gives from reversed
 * features, agrees with the first one's label h on the source and contradicts it on the target: γ·E_S[−log σ_h] + E_T[−log(1 − σ_h)].
 * Features, which get its gradient reversed, leave it no way to do so. No gradient passes h.
 */
export function marginDisparity(logits: string): DomainTerm {
  return ({ sourceShares, targetShares, prediction, layerOutput }) => {
    const label = oneHot(labelsOf(prediction), Number(prediction.shape[1]));
    const agreement = reduceSum(mul(logSoftmax(layerOutput(logits), { axis: 1 }), label), [1], { keepdims: 1 }); // log σ_h, [N, 1]
    const disagreement = log(max(sub(1, exp(agreement)), 1e-6));
    const onSource = reduceSum(mul(sourceShares, agreement), { keepdims: 0 });
    const onTarget = reduceSum(mul(targetShares, disagreement), { keepdims: 0 });
    return neg(add(mul(onSource, marginFactor), onTarget));
  };
}

/** The class of each row's largest probability, [N] int32. */
function labelsOf(prediction: Value): Value {
  return cast(argMax(stopGradient(prediction), { axis: 1, keepdims: 0 }), "int32");
}
