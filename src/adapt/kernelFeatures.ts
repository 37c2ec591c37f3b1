import { pivotedCholesky, solveLowerTransposed } from "../algebra/cholesky.ts";
import type { Compute } from "../algebra/compute.ts";
import { squaredDistances } from "../algebra/distances.ts";
import { identity, type Matrix, rowsAt, stacked } from "../algebra/matrix.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { applyMap, type DomainMap } from "./domainMap.ts";
import { checkMeasurable, checkPositive, type Domains } from "./domains.ts";

/** How alike two images are. */
export type Kernel =
  /** xᵀz. */
  | { readonly kind: "linear" }
  /** exp(−γ‖x − z‖²); γ without value: 1 / the median of ‖x − z‖² over the images of both domains. */
  | { readonly kind: "gaussian"; readonly gamma?: number; readonly landmarks?: LandmarkOptions };

/** The images that stand for all (Williams & Seeger 2001). */
export interface LandmarkOptions {
  /** With as many as there are images the kernel is exact. Default 1000. */
  readonly count?: number;
  readonly seed?: number;
}

const defaultLandmarks = 1000;
/** Images whose distances the median is taken from, at most. */
const medianRows = 1000;
/** A landmark of which less is new, in units of k(z, z), is a combination of the others. */
const dependence = 1e-10;

/** φ with φ(x)·φ(z) = k(x, z): memory stays linear in the images, for every method that knows φ. */
export async function kernelFeatures(kernel: Kernel, domains: Domains, compute: Compute): Promise<DomainMap> {
  if (kernel.kind === "linear") return { kind: "identity", width: domains.source.width };
  const gamma = kernel.gamma ?? (await medianGamma(domains, compute));
  checkPositive(gamma, "the kernel's gamma");
  const { count = defaultLandmarks, seed = 0 } = kernel.landmarks ?? {};
  return nystrom(gamma, chosenRows(domains, count, seed), compute);
}

/** φ(x) = L⁻¹·k(landmarks, x) where k(landmarks, landmarks) = L·Lᵀ: exact wherever a landmark is involved (Williams & Seeger 2001). */
async function nystrom(gamma: number, candidates: Matrix, compute: Compute): Promise<DomainMap> {
  const all: DomainMap = { kind: "gaussian", gamma, landmarks: candidates, weights: identity(candidates.count) };
  const { pivots, lower } = pivotedCholesky(await applyMap(all, candidates, compute), dependence);
  const landmarks = rowsAt(candidates, pivots);
  return { kind: "gaussian", gamma, landmarks, weights: solveLowerTransposed(lower, identity(pivots.length)) };
}

/** 1 / median ‖x − z‖² over pairs of different images (Gretton et al. 2012, §8). Throws `data` where most images are equal. */
export async function medianGamma(domains: Domains, compute: Compute): Promise<number> {
  const rows = chosenRows(domains, medianRows, 0);
  const { values } = await squaredDistances(rows, rows, compute);
  const pairs = values.filter((_, at) => at % rows.count > Math.floor(at / rows.count)).sort();
  const median = pairs[pairs.length >> 1] ?? 0;
  checkMeasurable(pairs.at(-1) ?? 0, "of both domains");
  if (median > 0) return 1 / median;
  throw new GraftError("data", "more than half of the images have equal features, so a Gaussian kernel has no scale.");
}

/** So many images of both domains together, drawn without replacement; all of them where there are no more. */
function chosenRows({ source, target }: Domains, count: number, seed: number): Matrix {
  const all = stacked(source, target);
  if (count >= all.count) return all;
  return rowsAt(all, stream(seed, "landmarks").permutation(all.count).slice(0, count));
}
