import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import type { Steps } from "../base/steps.ts";
import { projectOntoBoundedSum } from "../optim/boundedSum.ts";
import { minimiseProjected } from "../optim/projectedGradient.ts";
import { distancesByDifferences, gaussian, medianDistance } from "./gaussianKernel.ts";

/** The kernel of all pairs of source rows lies in memory, 8 bytes each: 288 MB at this many. */
export const kernelMeanMatchingLimit = 6000;

export interface KernelMeanMatchingOptions {
  /** σ of the Gaussian kernel exp(−d²/2σ²). Default: the median distance of all rows. */
  readonly width?: number;
  /** B: no weight is larger. Default 1000, as in the paper's experiments. */
  readonly bound?: number;
  /** ε: how far the mean weight may be from one. Default (√n − 1)/√n, as in the paper's experiments. */
  readonly slack?: number;
  /** Largest residual of the solution. Default 1e-4, far below what the choice of target rows does to κ/n. */
  readonly tolerance?: number;
}

export interface KernelMeanMatching {
  /** One for each source row. */
  readonly weights: Float64Array;
  readonly width: number;
  /** Of the conditions of Karush, Kuhn and Tucker: the largest entry of P(β − g) − β, where g = (Kβ − κ)/n. */
  readonly residual: number;
  readonly iterations: number;
}

const maxIterations = 5000;

/**
 * Weights under which the mean of the source rows in feature space is that of the target rows, β ≈ p(target)/p(source) (Huang, Smola, Gretton,
 * Borgwardt & Schölkopf 2007, eq. 12): minimises ½βᵀKβ − κᵀβ over 0 ≤ β ≤ B, |Σβ − n| ≤ nε, where κᵢ = n/m Σⱼ k(sourceᵢ, targetⱼ).
 *
 * @throws `data` for more source rows than `kernelMeanMatchingLimit`, or where all rows are equal
 */
export function* kernelMeanMatching(
  source: Rows,
  target: Rows,
  { width: wanted, bound = 1000, slack, tolerance = 1e-4 }: KernelMeanMatchingOptions = {},
): Steps<KernelMeanMatching> {
  const { count } = source;
  if (count > kernelMeanMatchingLimit) {
    throw new GraftError(
      "data",
      `kernel mean matching compares every pair of source images in memory: found ${count} of them, at most ${kernelMeanMatchingLimit} are possible. Use KLIEP, which compares them with target images only, or fewer images.`,
    );
  }
  const width = wanted ?? (yield* medianDistance(source, target));
  if (!(width > 0))
    throw new GraftError("data", "kernel mean matching: all rows are equal, so there is nothing to weigh.");
  const kernel = gaussian(yield* distancesByDifferences(source, source), width);
  const across = gaussian(yield* distancesByDifferences(source, target), width);
  const pull = Float64Array.from({ length: count }, (_, i) => {
    const row = across.subarray(i * target.count, (i + 1) * target.count);
    return (count / target.count) * row.reduce((sum, entry) => sum + entry, 0);
  });
  const epsilon = slack ?? (Math.sqrt(count) - 1) / Math.sqrt(count);
  const set = { upper: bound, least: count * (1 - epsilon), most: count * (1 + epsilon) };
  const { point, distance, iterations } = yield* minimiseProjected(
    (weights) => objective(kernel, pull, weights),
    (weights) => projectOntoBoundedSum(weights, set),
    new Float64Array(count).fill(Math.min(1, bound)),
    { tolerance, maxIterations },
  );
  return { weights: point, width, residual: distance, iterations };
}

/** (½βᵀKβ − κᵀβ) / n, which keeps its gradient near one whatever n. */
function objective(kernel: Float64Array, pull: Float64Array, weights: Float64Array) {
  const count = weights.length;
  const gradient = new Float64Array(count);
  let value = 0;
  for (let i = 0; i < count; i++) {
    let product = 0;
    for (let j = 0, at = i * count; j < count; j++) product += (kernel[at++] ?? 0) * (weights[j] ?? 0);
    const [weight, pulled] = [weights[i] ?? 0, pull[i] ?? 0];
    gradient[i] = (product - pulled) / count;
    value += weight * (product / 2 - pulled);
  }
  return { value: value / count, gradient };
}
