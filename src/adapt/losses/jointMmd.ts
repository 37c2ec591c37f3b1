import { writeSquaredDistances } from "../../algebra/distances.ts";
import { div, exp, mul, neg } from "../../ops/arithmetic.ts";
import type { DomainTerm } from "./domainBatch.ts";
import { discrepancyOf, multiKernel } from "./multiKernelMmd.ts";

/** σ² of the kernel on answers: of the authors' code, which gives the layer of the answers one kernel of a fixed width. */
const answerBandwidth = 1.68;

/**
 * JAN (Long, Zhu, Wang & Jordan 2017, eq. 8–9): the squared maximum mean discrepancy of a layer's features [N, d] together with the classifier's answers,
 * whose kernel is the product of one kernel on each, k(f, f′)·exp(−‖g − g′‖²/σ²). It sees where classes moved, not only whether all images together did.
 */
export function jointMmd(layer: string): DomainTerm {
  return (batch) => {
    const { prediction } = batch;
    const onAnswers = exp(neg(div(writeSquaredDistances(prediction, prediction), answerBandwidth)));
    return discrepancyOf(mul(multiKernel(batch.layerOutput(layer)), onAnswers), batch);
  };
}
