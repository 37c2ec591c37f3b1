import type { Compute } from "../algebra/compute.ts";
import { type Matrix, matrix, product, transposed } from "../algebra/matrix.ts";
import type { Adaptation, AffineMap } from "./domainMap.ts";
import { checkDomains, type Domains } from "./domains.ts";
import { principalSubspace } from "./subspaces.ts";

export interface SubspaceOptions {
  /** Default 20. */
  readonly dimensions?: number;
}

/**
 * Subspace alignment (Fernando, Habrard, Sebban & Tuytelaars 2013, algorithm 1): the source's principal directions X_S turned onto
 * the target's X_T by M = X_SᵀX_T, so that source rows are seen in X_S·M and target rows in X_T. Each domain is centred by its own mean,
 * as the paper's standardised rows are.
 *
 * @throws `data` for empty, single or non-finite rows; `usage` for more dimensions than possible
 */
export async function subspaceAlignment(
  domains: Domains,
  { dimensions = 20 }: SubspaceOptions,
  compute: Compute,
): Promise<Adaptation> {
  checkDomains(domains);
  const source = await principalSubspace(domains.source, dimensions, "source", compute);
  const target = await principalSubspace(domains.target, dimensions, "target", compute);
  const aligned = product(source.basis, product(transposed(source.basis), target.basis));
  return { source: centredMap(aligned, source.mean), target: centredMap(target.basis, target.mean) };
}

/** (x − mean)·weights */
export function centredMap(weights: Matrix, mean: Float64Array): AffineMap {
  const moved = product(matrix(1, mean.length, mean), weights).values;
  return { kind: "affine", weights, offset: moved.map((value) => -value) };
}
