import type { Compute } from "../algebra/compute.ts";
import { type Matrix, matrix, transposed, unitRows } from "../algebra/matrix.ts";
import { times } from "../algebra/products.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { checkDomains, checkPositive, type Domains } from "./domains.ts";

/**
 * The sliced Wasserstein distance of order 2 (Bonneel, Rabin, Peyré & Pfister 2015): the root mean square of the distances that the domains have
 * along random directions, where transport is sorting. The same seed gives the same value.
 *
 * @throws `data` for empty, single or non-finite rows
 */
export async function slicedWasserstein(
  domains: Domains,
  { directions = 100, seed = 0 }: { readonly directions?: number; readonly seed?: number },
  compute: Compute,
): Promise<number> {
  checkPositive(directions, "the number of directions");
  const { width } = domains.source;
  const drawn = matrix(directions, width);
  for (let i = 0; i < directions; i++) {
    const random = stream(seed, "direction", 0, i);
    for (let j = 0; j < width; j++) drawn.values[i * width + j] = random.normal();
  }
  return slicedWassersteinAlong(domains, unitRows(drawn), compute);
}

/** The same along given directions, one a row, of length one. */
export async function slicedWassersteinAlong(domains: Domains, directions: Matrix, compute: Compute): Promise<number> {
  checkDomains(domains);
  const along = async (rows: Rows) => transposed(await times(rows, transposed(directions), compute));
  const [source, target] = [await along(domains.source), await along(domains.target)];
  let total = 0;
  for (let i = 0; i < directions.count; i++) total += transportOnLine(sortedRow(source, i), sortedRow(target, i));
  return Math.sqrt(total / directions.count);
}

function sortedRow({ values, width }: Matrix, i: number): Float64Array {
  return values.slice(i * width, (i + 1) * width).sort();
}

/** ∫ (F⁻¹ − G⁻¹)² of sorted values with equal weights in each set: from step to step of either quantile function. */
function transportOnLine(a: Float64Array, b: Float64Array): number {
  let [i, j, done, cost] = [0, 0, 0, 0];
  while (i < a.length && j < b.length) {
    // In units of 1 / (a.length·b.length): whole numbers, so that equal steps are found equal.
    const next = Math.min((i + 1) * b.length, (j + 1) * a.length);
    cost += (next - done) * ((a[i] ?? 0) - (b[j] ?? 0)) ** 2;
    if (next === (i + 1) * b.length) i++;
    if (next === (j + 1) * a.length) j++;
    done = next;
  }
  return cost / (a.length * b.length);
}
