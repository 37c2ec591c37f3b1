import type { Value } from "../../graph/value.ts";
import { div, max, mul, sub } from "../../ops/arithmetic.ts";
import { transpose } from "../../ops/layout.ts";
import { matmul } from "../../ops/products.ts";
import { reduceSum } from "../../ops/reductions.ts";
import type { DomainTerm } from "./domainBatch.ts";

/** Deep CORAL (Sun & Saenko 2016, eq. 1–3): ‖C_S − C_T‖²_F / 4d² of the covariances of a layer's features [N, d] in the batch. */
export function deepCoral(layer: string): DomainTerm {
  return ({ sourceShares, targetShares, layerOutput }) => {
    const features = layerOutput(layer);
    const width = Number(features.shape[1]);
    const difference = sub(covariance(features, sourceShares), covariance(features, targetShares));
    return div(reduceSum(mul(difference, difference), { keepdims: 0 }), 4 * width ** 2);
  };
}

/** Σ (x − mean)(x − mean)ᵀ / (n − 1) over the rows with a share of 1/n. */
function covariance(features: Value, shares: Value): Value {
  const centred = sub(features, reduceSum(mul(features, shares), [0], { keepdims: 1 }));
  const mean = matmul(transpose(mul(centred, shares), { perm: [1, 0] }), centred);
  // n/(n − 1) = 1/(1 − share); a single row has no covariance.
  const share = reduceSum(mul(shares, shares), { keepdims: 0 });
  return div(mean, max(sub(1, share), 1e-6));
}
