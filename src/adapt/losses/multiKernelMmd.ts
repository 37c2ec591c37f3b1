import { writeSquaredDistances } from "../../algebra/distances.ts";
import { constantOf, type Value } from "../../graph/value.ts";
import { add, div, exp, max, mul, neg, sub } from "../../ops/arithmetic.ts";
import { stopGradient } from "../../ops/gradientControl.ts";
import { topK } from "../../ops/indexing.ts";
import { reshape } from "../../ops/layout.ts";
import { matmul } from "../../ops/products.ts";
import { reduceMin, reduceSum } from "../../ops/reductions.ts";
import type { DomainBatch, DomainTerm } from "./domainBatch.ts";

/** Widths of the kernels, in units of the median squared distance. */
const factors = [0.25, 0.5, 1, 2, 4];

/**
 * The squared maximum mean discrepancy of a layer's features [N, d] between the domains of the batch (Tzeng et al. 2014), with the mean of
 * Gaussian kernels of five widths around the median distance (Long et al. 2015, §3, with equal weights).
 */
export function multiKernelMmd(layer: string): DomainTerm {
  return (batch) => discrepancyOf(multiKernel(batch.layerOutput(layer)), batch);
}

/** sᵀKs of a kernel [N, N], s = 1/n_S of source rows and −1/n_T of target rows. */
export function discrepancyOf(kernel: Value, { sourceShares, targetShares }: DomainBatch): Value {
  const signed = sub(sourceShares, targetShares); // [N, 1]
  return reduceSum(mul(signed, matmul(kernel, signed)), { keepdims: 0 });
}

/** The mean of Gaussian kernels of five widths around the median distance of the rows [N, d]: [N, N]. */
export function multiKernel(features: Value): Value {
  const distances = writeSquaredDistances(features, features);
  const median = max(medianOf(distances), 1e-12);
  const kernels = factors.map((factor) => exp(neg(div(distances, mul(median, factor)))));
  return div(
    kernels.reduce((sum, one) => add(sum, one)),
    factors.length,
  );
}

/** Of the distances of different rows, as a number that no gradient passes. */
function medianOf(distances: Value): Value {
  const [count = 0] = distances.staticShape;
  const half = Math.max(1, (count * (count - 1)) >> 1);
  const [upper] = topK.outputs(stopGradient(reshape(distances, [count * count])), constantOf("int64", [1], [half]));
  if (upper === undefined) throw new Error("TopK has outputs");
  return reduceMin(upper, { keepdims: 0 });
}
