import { type Compute, throwIfStopped } from "../algebra/compute.ts";
import { squaredDistances } from "../algebra/distances.ts";
import { type Matrix, matrix, matrixOf, meanRow, squaredNorm, stacked } from "../algebra/matrix.ts";
import { rowProducts, times } from "../algebra/products.ts";
import { stream } from "../base/random.ts";
import { checkDomains, checkPositive, type Domains } from "./domains.ts";
import { medianGamma } from "./kernelFeatures.ts";

/** How alike two images are, for the discrepancy of their distributions. */
export type DiscrepancyKernel =
  | { readonly kind: "linear" }
  /** Σ exp(−γ‖x − z‖²) / how many; without value: 1 / the median of ‖x − z‖², times ¼, ½, 1, 2 and 4 for `multi`. */
  | { readonly kind: "gaussian" | "multi"; readonly gammas?: readonly number[] };

export interface MmdOptions {
  /** Default: Gaussian. */
  readonly kernel?: DiscrepancyKernel;
  /** `unbiased` may fall below zero. Default. */
  readonly estimator?: "biased" | "unbiased";
}

const multiples = [0.25, 0.5, 1, 2, 4];
/** So many permutations are judged at once. */
const permutationsAtOnce = 64;

/**
 * The squared maximum mean discrepancy of two domains (Gretton, Borgwardt, Rasch, Schölkopf & Smola 2012): eq. 3 unbiased, eq. 5 biased. Zero where the
 * distributions are equal. Several kernels count as their mean (Long, Cao, Wang & Jordan 2015, with equal shares).
 * The kernel of all pairs of images lies in memory; the biased linear one needs none.
 *
 * @throws `data` for empty, single or non-finite rows
 */
export async function mmd(domains: Domains, options: MmdOptions, compute: Compute): Promise<number> {
  checkDomains(domains);
  const { source, target } = domains;
  if (options.kernel?.kind === "linear" && options.estimator === "biased") {
    const other = meanRow(target);
    return squaredNorm(meanRow(source).map((value, j) => value - (other[j] ?? 0)));
  }
  const kernel = await pooledKernel(domains, options.kernel, compute);
  const members = Float64Array.from({ length: kernel.count }, (_, i) => Number(i < source.count));
  const [value] = await statistics(kernel, [members], options.estimator, compute);
  return value ?? 0;
}

export interface PermutationTest {
  readonly mmd: number;
  /** How often images dealt to two domains at random differ as much, (1 + times)/(1 + permutations): small where the domains differ. */
  readonly pValue: number;
}

/** The discrepancy with its permutation test (Gretton et al. 2012, §8; Phipson & Smyth 2010 for the added one). The same seed gives the same value. */
export async function mmdTest(
  domains: Domains,
  { permutations = 999, seed = 0, ...options }: MmdOptions & { readonly permutations?: number; readonly seed?: number },
  compute: Compute,
): Promise<PermutationTest> {
  checkDomains(domains);
  checkPositive(permutations, "the number of permutations");
  const kernel = await pooledKernel(domains, options.kernel, compute);
  const size = domains.source.count;
  const observed = Float64Array.from({ length: kernel.count }, (_, i) => Number(i < size));
  const [value = 0] = await statistics(kernel, [observed], options.estimator, compute);
  let asFar = 0;
  for (let first = 0; first < permutations; first += permutationsAtOnce) {
    throwIfStopped(compute);
    const dealt = Array.from({ length: Math.min(permutationsAtOnce, permutations - first) }, (_, i) =>
      membersOf(stream(seed, "permutation", 0, first + i).permutation(kernel.count), size),
    );
    for (const other of await statistics(kernel, dealt, options.estimator, compute)) asFar += Number(other >= value);
  }
  return { mmd: value, pValue: (1 + asFar) / (1 + permutations) };
}

function membersOf(order: Uint32Array, size: number): Float64Array {
  const members = new Float64Array(order.length);
  for (const at of order.subarray(0, size)) members[at] = 1;
  return members;
}

async function pooledKernel(
  domains: Domains,
  kernel: DiscrepancyKernel = { kind: "gaussian" },
  compute: Compute,
): Promise<Matrix> {
  const rows = stacked(domains.source, domains.target);
  if (kernel.kind === "linear") return rowProducts(rows, rows, compute);
  const gammas = kernel.gammas ?? (await defaultGammas(domains, kernel.kind, compute));
  for (const gamma of gammas) checkPositive(gamma, "the kernel's gamma");
  const { values, count, width } = await squaredDistances(rows, matrixOf(rows), compute);
  const alike = values.map(
    (square) => gammas.reduce((sum, gamma) => sum + Math.exp(-gamma * square), 0) / gammas.length,
  );
  return matrix(count, width, alike);
}

async function defaultGammas(domains: Domains, kind: "gaussian" | "multi", compute: Compute): Promise<number[]> {
  const gamma = await medianGamma(domains, compute);
  return kind === "multi" ? multiples.map((multiple) => multiple * gamma) : [gamma];
}

/** The discrepancy for each choice of the first domain's members, 1 for a member and 0 for the others: from K·members alone. */
async function statistics(
  kernel: Matrix,
  choices: readonly Float64Array[],
  estimator: MmdOptions["estimator"],
  compute: Compute,
): Promise<number[]> {
  const { count } = kernel;
  const members = matrix(count, choices.length);
  for (const [c, choice] of choices.entries()) {
    for (const [i, member] of choice.entries()) members.values[i * choices.length + c] = member;
  }
  const sums = await times(kernel, members, compute);
  const rowSums = Float64Array.from({ length: count }, (_, i) =>
    kernel.values.subarray(i * count, (i + 1) * count).reduce((sum, value) => sum + value, 0),
  );
  return choices.map((choice, c) => {
    const within = { first: 0, both: 0, second: 0, firstSelf: 0, secondSelf: 0, size: 0 };
    for (const [i, member] of choice.entries()) {
      const toFirst = sums.values[i * choices.length + c] ?? 0;
      const toSecond = (rowSums[i] ?? 0) - toFirst;
      const self = kernel.values[i * count + i] ?? 0;
      if (member === 1) {
        within.size++;
        within.first += toFirst;
        within.both += toSecond;
        within.firstSelf += self;
        continue;
      }
      within.second += toSecond;
      within.secondSelf += self;
    }
    return discrepancy(within, count - within.size, estimator);
  });
}

interface Sums {
  readonly first: number;
  readonly both: number;
  readonly second: number;
  readonly firstSelf: number;
  readonly secondSelf: number;
  readonly size: number;
}

function discrepancy(
  { first, both, second, firstSelf, secondSelf, size }: Sums,
  otherSize: number,
  estimator: MmdOptions["estimator"] = "unbiased",
): number {
  const across = (2 * both) / (size * otherSize);
  if (estimator === "biased") return first / size ** 2 + second / otherSize ** 2 - across;
  const within = (first - firstSelf) / (size * (size - 1)) + (second - secondSelf) / (otherSize * (otherSize - 1));
  return within - across;
}
