import { pivotedCholesky } from "../algebra/cholesky.ts";
import type { Compute } from "../algebra/compute.ts";
import { denseMetric, generalisedEigen, lowRankMetric } from "../algebra/generalisedEigen.ts";
import {
  type Matrix,
  matrix,
  meanRow,
  plusDiagonal,
  product,
  scaledColumns,
  sum,
  transposed,
} from "../algebra/matrix.ts";
import { crossProduct, times } from "../algebra/products.ts";
import type { Rows } from "../base/rows.ts";
import { applyMap, type DomainMap } from "./domainMap.ts";
import { checkDimensions, checkDomains, checkPositive, checkSpread, type Domains } from "./domains.ts";
import { type Kernel, kernelFeatures } from "./kernelFeatures.ts";

/**
 * What is held small beside the distance of the domains:
 * `coefficients`, μ·tr(WᵀW) of the images' weights W in P = ΦᵀW, as Pan et al. 2011 write it: eigenvectors of (KLK + μI)⁻¹KHK;
 * `projection`, μ·tr(PᵀP) with the distance's matrix scaled to ‖L‖ = 1, as the authors' code of JDA and most code since has it:
 * eigenvectors of the pair XHXᵀ, XLXᵀ/‖L‖ + μI.
 */
export type Penalty = "coefficients" | "projection";

export interface ComponentOptions {
  readonly dimensions: number;
  readonly kernel: Kernel;
  /** μ; λ in JDA and BDA. */
  readonly regularisation: number;
  readonly penalty: Penalty;
}

/** What the methods of this family take where nothing is said: λ = 1 as in JDA's experiments (Long et al. 2013), and the dimensions of many published tables. */
export const componentDefaults = {
  dimensions: 20,
  kernel: { kind: "linear" },
  regularisation: 1,
} as const satisfies Partial<ComponentOptions>;

/** Features φ of both domains and their scatter: what every method of this family starts from. Memory is linear in the images. */
export interface FeatureSpace extends Domains {
  readonly map: DomainMap;
  readonly mean: Float64Array;
  /** ΦᵀHΦ [width, width]. */
  readonly scatter: Matrix;
}

export async function featureSpace(domains: Domains, kernel: Kernel, compute: Compute): Promise<FeatureSpace> {
  checkDomains(domains);
  const map = await kernelFeatures(kernel, domains, compute);
  const inSpace = async (rows: Rows) => (map.kind === "identity" ? rows : applyMap(map, rows, compute));
  const [source, target] = [await inSpace(domains.source), await inSpace(domains.target)];
  const count = source.count + target.count;
  const targetMean = meanRow(target);
  const mean = meanRow(source).map((value, j) => (source.count * value + target.count * (targetMean[j] ?? 0)) / count);
  const scatters = [
    await crossProduct(source, source, compute, mean),
    await crossProduct(target, target, compute, mean),
  ] as const;
  const scatter = sum(...scatters);
  checkSpread(scatter, mean, count, "of both domains");
  return { map, source, target, mean, scatter };
}

/** What the projection is to keep and to lose; all matrices [width, width] positive semidefinite. */
export interface Aim {
  readonly keep: Matrix;
  /** Differences between the domains, one a row: rowsᵀ·rows is lost. */
  readonly differences: Matrix;
  /** What else. */
  readonly lose?: Matrix;
  /** The projection of an aim much like this one, where the search starts. */
  readonly near?: Matrix | undefined;
  /** How near to the best, as of `topEigenvectors`. */
  readonly tolerance?: number | undefined;
}

/**
 * P [width, dimensions] of the largest tr((PᵀAP + μ·penalty)⁻¹·Pᵀ·keep·P), A what is lost, scaled so that Pᵀ·keep·P = I.
 * With φ in place of the kernel matrix K = ΦΦᵀ: KHK becomes ΦᵀHΦ, and P = ΦᵀW. Of W only the part F·ω in the range of Φ counts,
 * where ΦᵀΦ = FFᵀ and P = F·ω, so that WᵀW = ωᵀω.
 */
export async function solveComponents(
  space: FeatureSpace,
  { keep, differences, lose, near, tolerance }: Aim,
  { dimensions, regularisation, penalty }: ComponentOptions,
  compute: Compute,
): Promise<Matrix> {
  checkPositive(regularisation, "the regularisation");
  const count = space.source.count + space.target.count;
  checkDimensions(dimensions, Math.min(keep.count, count - 1), "the smaller of features and images less one");
  const basis = penalty === "coefficients" ? gramFactor(space, count) : undefined;
  const within = async (a: Matrix) => (basis === undefined ? a : sandwich(basis, a, compute));
  const rows = basis === undefined ? differences : product(differences, basis);
  const metric =
    lose === undefined
      ? lowRankMetric(rows, regularisation)
      : denseMetric(
          plusDiagonal(sum(await within(lose), product(transposed(rows), rows)), regularisation),
          "what the components are to lose",
        );
  const wanted = Math.min(dimensions, metric.size);
  const search = { ...compute, tolerance, ...(basis === undefined ? { near } : {}) };
  const { eigenvalues, eigenvectors } = await generalisedEigen(await within(keep), metric, wanted, search);
  const rank = eigenvalues.filter((value) => value > 1e-10 * (eigenvalues[0] ?? 0)).length;
  checkDimensions(dimensions, rank, "there are independent features with variance");
  const scaled = scaledColumns(
    eigenvectors,
    eigenvalues.map((value) => 1 / Math.sqrt(value)),
  );
  return basis === undefined ? scaled : product(basis, scaled);
}

/** The map of rows into the components: φ, then P. */
export function throughComponents({ map }: FeatureSpace, projection: Matrix, compute: Compute): Promise<DomainMap> {
  return composed(map, projection, compute);
}

async function composed(map: DomainMap, projection: Matrix, compute: Compute): Promise<DomainMap> {
  switch (map.kind) {
    case "identity":
      return { kind: "affine", weights: projection };
    case "gaussian":
      return { ...map, weights: await times(map.weights, projection, compute) };
    default:
      throw new Error(`features of a ${map.kind} map have no components`);
  }
}

/** F of ΦᵀΦ = FFᵀ; features without variance of their own fall out. */
function gramFactor({ scatter, mean }: FeatureSpace, count: number): Matrix {
  const row = matrix(1, mean.length, mean);
  return pivotedCholesky(sum(scatter, product(transposed(row), row), count), 1e-13).factor;
}

async function sandwich(basis: Matrix, a: Matrix, compute: Compute): Promise<Matrix> {
  return symmetric(await times(transposed(basis), await times(a, basis, compute), compute));
}

function symmetric(a: Matrix): Matrix {
  return matrix(
    a.count,
    a.width,
    sum(a, transposed(a)).values.map((value) => value / 2),
  );
}
