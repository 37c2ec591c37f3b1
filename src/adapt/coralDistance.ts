import type { Compute } from "../algebra/compute.ts";
import { meanRow, squaredNorm, sum } from "../algebra/matrix.ts";
import { covariance } from "./coral.ts";
import { checkDomains, type Domains } from "./domains.ts";

/**
 * How far the covariances of two domains lie apart, ‖C_S − C_T‖² / 4d² (Sun & Saenko 2016, eq. 1).
 *
 * @throws `data` for empty, single or non-finite rows
 */
export async function coralDistance(domains: Domains, compute: Compute): Promise<number> {
  checkDomains(domains);
  const { source, target } = domains;
  const from = await covariance(source, meanRow(source), compute);
  const to = await covariance(target, meanRow(target), compute);
  return squaredNorm(sum(from, to, -1).values) / (4 * source.width ** 2);
}
