import type { Value } from "../../graph/value.ts";
import type { Layer, SymbolicTensor } from "../../nn/layer.ts";
import { moduleLayer } from "../../nn/moduleLayer.ts";
import { softplus } from "../../ops/activations.ts";
import { add, div, exp, log, max, mul, neg, sub } from "../../ops/arithmetic.ts";
import { reverseGradient, stopGradient } from "../../ops/gradientControl.ts";
import { reshape } from "../../ops/layout.ts";
import { reduceSum } from "../../ops/reductions.ts";
import type { DomainBatch, DomainTerm } from "./domainBatch.ts";

/** λ at a share p of the training: 2/(1 + e^−10p) − 1 (Ganin et al. 2016, §5.2.2), so that the first domain classifiers, which know nothing, say little. */
export function adversarialStrength(share: number): number {
  return 2 / (1 + Math.exp(-10 * share)) - 1;
}

/** Features as the domain classifier sees them: their gradient passes reversed (Ganin et al. 2016, eq. 17 f.). */
export function reversal(name: string): Layer {
  return moduleLayer(name, (_, x) => reverseGradient(x, 1));
}

/**
 * Features and the classifier's answers as the conditional domain classifier sees them: the outer product f ⊗ g (Long et al. 2018, eq. 5),
 * reversed; the answers are a condition and get no gradient, as in the authors' code.
 */
export function conditionalReversal(name: string): Layer {
  const layer: Layer = Object.assign(
    (...inputs: readonly SymbolicTensor[]): SymbolicTensor => ({ kind: "applied", layer, inputs }),
    {
      kind: "Functional",
      config: {},
      layerName: name,
      build: (_: unknown, [features, answers]: readonly Value[]) => {
        const [width, classes] = [Number(features?.shape[1]), Number(answers?.shape[1])];
        if (features === undefined || answers === undefined) throw new Error("two inputs are wired");
        const outer = mul(reshape(features, [-1, 1, width]), reshape(stopGradient(answers), [-1, classes, 1]));
        return reverseGradient(reshape(outer, [-1, width * classes]), 1);
      },
    },
  );
  return layer;
}

/**
 * DANN (Ganin et al. 2016, eq. 9): the cross-entropy of the domain classifier whose logits [N, 1] a layer gives, each domain weighing the same.
 * λ multiplies it for the classifier too, which an optimiser that divides by the gradient's size does not notice.
 */
export function adversarial(logits: string): DomainTerm {
  return ({ sourceShares, targetShares, isTarget, layerOutput }) =>
    weightedDomainLoss(layerOutput(logits), isTarget, mul(add(sourceShares, targetShares), 0.5));
}

/** CDAN+E (Long et al. 2018, eq. 8): the same, each image weighing 1 + e^−H of its answer's entropy H, so that sure answers lead. */
export function entropyConditioned(logits: string): DomainTerm {
  return (batch) => {
    const certainty = stopGradient(certaintyOf(batch.prediction));
    const balanced = (shares: Value) => {
      const own = mul(shares, certainty);
      return div(own, max(reduceSum(own, { keepdims: 0 }), 1e-12));
    };
    const weights = mul(add(balanced(batch.sourceShares), balanced(batch.targetShares)), 0.5);
    return weightedDomainLoss(batch.layerOutput(logits), batch.isTarget, weights);
  };
}

/** 1 + e^−H(p) of each row, [N, 1]. */
export function certaintyOf(probabilities: DomainBatch["prediction"]): Value {
  const entropy = neg(reduceSum(mul(probabilities, log(max(probabilities, 1e-12))), [1], { keepdims: 1 }));
  return add(exp(neg(entropy)), 1);
}

/** Σ weight·(ln(1 + e^z) − z·t), t = 1 for the target. */
function weightedDomainLoss(logits: Value, isTarget: Value, weights: Value): Value {
  return reduceSum(mul(weights, sub(softplus(logits), mul(logits, isTarget))), { keepdims: 0 });
}
