import { type Compute, throwIfStopped } from "../algebra/compute.ts";
import { squaredDistances } from "../algebra/distances.ts";
import { type Matrix, matrix, matrixOf, sum } from "../algebra/matrix.ts";
import { times } from "../algebra/products.ts";
import { sinkhorn } from "../algebra/sinkhorn.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import type { Adaptation } from "./domainMap.ts";
import { checkDomains, checkLabels, checkMeasurable, checkPositive, type Domains } from "./domains.ts";

export interface TransportOptions {
  /** Of the entropy, in units of the largest cost. Default 0.01. */
  readonly regularisation?: number;
  /** η: how much it costs, in the same units, that images of several classes go to one place. Default: labels do not count. */
  readonly classRegularisation?: { readonly labels: ArrayLike<number>; readonly weight: number };
}

/** Every pair of images has its place in the plan, 8 bytes each: 800 MB at this many, twice that while it is found. */
const mostPairs = 1e8;
/** Of the group norm's majorisation (Courty, Flamary & Tuia 2014): ‖·‖ with p = ½, so many rounds, and what keeps its slope finite. */
const power = 0.5;
const rounds = 10;
const epsilon = 1e-3;

/**
 * Optimal transport (Courty, Flamary, Tuia & Rakotomamonjy 2017): the plan γ of least Σ γᵢⱼ‖xᵢ − zⱼ‖² + reg·Σ γᵢⱼ log γᵢⱼ with equal weights
 * on all images, on request plus η·Σⱼ Σ_c (Σ_{i∈c} γᵢⱼ)^½ over the classes c (Courty, Flamary & Tuia 2014), by linearising it. Each source row goes
 * to the mean of its targets, the barycentric mapping; a new one moves as its nearest known row does. Target rows stay as they are.
 *
 * @throws `data` for empty, single or non-finite rows, or more pairs of images than memory holds
 */
export async function optimalTransport(
  domains: Domains,
  { regularisation = 0.01, classRegularisation }: TransportOptions,
  compute: Compute,
): Promise<Adaptation> {
  checkDomains(domains);
  checkPositive(regularisation, "the regularisation");
  const { source, target } = domains;
  if (source.count * target.count > mostPairs) {
    throw new GraftError(
      "data",
      `optimal transport compares ${source.count} source with ${target.count} target images, every pair in memory; at most ${mostPairs} pairs are possible. Use fewer images.`,
    );
  }
  const cost = await relativeCost(source, target, compute);
  const plan = classRegularisation
    ? classPlan(cost, regularisation, groupsOf(classRegularisation.labels, source), classRegularisation.weight, compute)
    : sinkhorn(cost, regularisation, compute);
  const anchors = matrixOf(source);
  const displacements = sum(await barycentres(plan, target, compute), anchors, -1);
  return { source: { kind: "transport", anchors, displacements }, target: { kind: "identity", width: target.width } };
}

/** Σⱼ γᵢⱼ·zⱼ / Σⱼ γᵢⱼ */
async function barycentres(plan: Matrix, target: Rows, compute: Compute): Promise<Matrix> {
  const shares = matrix(plan.count, plan.width);
  for (let i = 0; i < plan.count; i++) {
    const row = plan.values.subarray(i * plan.width, (i + 1) * plan.width);
    const mass = row.reduce((total, value) => total + value, 0);
    shares.values.set(
      row.map((value) => value / mass),
      i * plan.width,
    );
  }
  return times(shares, matrixOf(target), compute);
}

async function relativeCost(source: Rows, target: Rows, compute: Compute): Promise<Matrix> {
  const { values, count, width } = await squaredDistances(source, matrixOf(target), compute);
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  checkMeasurable(largest, "of both domains");
  if (largest === 0) throw new GraftError("data", "all images of both domains have the same features.");
  return matrix(
    count,
    width,
    values.map((value) => value / largest),
  );
}

/** Majorisation and minimisation: the cost grows by η times the slope of Σ_c (Σ_{i∈c} γᵢⱼ)^p at the plan before. */
function classPlan(
  cost: Matrix,
  regularisation: number,
  groups: readonly (readonly number[])[],
  weight: number,
  compute: Compute,
): Matrix {
  checkPositive(weight, "the class regularisation");
  let plan = sinkhorn(cost, regularisation, compute);
  for (let round = 1; round < rounds; round++) {
    throwIfStopped(compute);
    plan = sinkhorn(sum(cost, groupSlopes(plan, groups), weight), regularisation, compute);
  }
  return plan;
}

function groupSlopes(plan: Matrix, groups: readonly (readonly number[])[]): Matrix {
  const slopes = matrix(plan.count, plan.width);
  for (const rows of groups) {
    const mass = new Float64Array(plan.width);
    for (const i of rows)
      for (let j = 0; j < plan.width; j++) mass[j] = (mass[j] ?? 0) + (plan.values[i * plan.width + j] ?? 0);
    const slope = mass.map((value) => power * (value + epsilon) ** (power - 1));
    for (const i of rows) slopes.values.set(slope, i * plan.width);
  }
  return slopes;
}

function groupsOf(labels: ArrayLike<number>, source: Rows): number[][] {
  const groups = Array.from({ length: checkLabels(labels, source) }, (): number[] => []);
  for (const [i, label] of Array.from(labels).entries()) groups[label]?.push(i);
  return groups;
}
