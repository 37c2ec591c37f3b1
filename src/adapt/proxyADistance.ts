import { cholesky, solveLower, solveLowerTransposed } from "../algebra/cholesky.ts";
import { type Compute, throwIfStopped } from "../algebra/compute.ts";
import { addScaled, dot, type Matrix, matrix, plusDiagonal, rowsAt, scaled, sum } from "../algebra/matrix.ts";
import { crossProduct, times } from "../algebra/products.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { checkDomains, checkPositive, type Domains } from "./domains.ts";

export interface ProxyADistanceOptions {
  /** Default 5. */
  readonly folds?: number;
  /** Of the ridge, in units of the mean variance of a feature. Default 0.01. */
  readonly regularisation?: number;
  readonly seed?: number;
}

/**
 * How well a linear classifier tells the domains apart, 2(1 − 2ε) of its error ε (Ben-David, Blitzer, Crammer & Pereira 2007, §4): 2 where
 * always, 0 where never. The classifier is ridge regression on ±1; ε is the mean of the two domains' errors, each image judged in cross-validation by
 * a classifier that never saw it, with both domains weighing the same, so that their sizes tell nothing. Never below 0.
 *
 * @throws `data` for fewer images in a domain than folds, or non-finite rows
 */
export async function proxyADistance(
  domains: Domains,
  { folds = 5, regularisation = 0.01, seed = 0 }: ProxyADistanceOptions,
  compute: Compute,
): Promise<number> {
  checkDomains(domains);
  checkPositive(regularisation, "the regularisation");
  const fewest = Math.min(domains.source.count, domains.target.count);
  if (!Number.isInteger(folds) || folds < 2 || folds > fewest) {
    throw new GraftError("usage", `${folds} folds; expected 2 to ${fewest}, as many as the smaller domain has images.`);
  }
  const parts = await dealtMoments(domains, folds, seed, compute);
  const all = parts.reduce((sum, part) => joined(sum, part, 1));
  let [sourceErrors, targetErrors] = [0, 0];
  for (const held of parts) {
    throwIfStopped(compute);
    const { weights, bias } = ridge(joined(all, held, -1), regularisation);
    const scores = async (rows: Matrix) => (await times(rows, weights, compute)).values;
    sourceErrors += (await scores(held.source.rows)).filter((score) => score + bias <= 0).length;
    targetErrors += (await scores(held.target.rows)).filter((score) => score + bias > 0).length;
  }
  const error = (sourceErrors / domains.source.count + targetErrors / domains.target.count) / 2;
  return Math.max(0, 2 * (1 - 2 * error));
}

/** Σ 1, Σ x and Σ xxᵀ of rows. */
interface Moments {
  readonly rows: Matrix;
  readonly count: number;
  readonly total: Float64Array;
  readonly products: Matrix;
}

interface DomainMoments {
  readonly source: Moments;
  readonly target: Moments;
}

/** The rows dealt at random into folds, with their moments: a fold's training set is all less the fold. */
async function dealtMoments(
  { source, target }: Domains,
  folds: number,
  seed: number,
  compute: Compute,
): Promise<DomainMoments[]> {
  const orders = [source, target].map((rows, i) => stream(seed, "fold", 0, i).permutation(rows.count));
  const shift = rowsAt(source, [0]).values;
  const dealt = async (rows: Domains["source"], order: Uint32Array | undefined, fold: number): Promise<Moments> => {
    const part = rowsAt(
      rows,
      (order ?? new Uint32Array()).filter((_, place) => place % folds === fold),
    );
    for (let i = 0; i < part.count; i++) {
      addScaled(part.values.subarray(i * part.width, (i + 1) * part.width), -1, shift, 0);
    }
    const total = new Float64Array(part.width);
    for (let i = 0; i < part.count; i++) addScaled(total, 1, part.values, i * part.width);
    return { rows: part, count: part.count, total, products: await crossProduct(part, part, compute) };
  };
  const result: DomainMoments[] = [];
  for (let fold = 0; fold < folds; fold++) {
    result.push({ source: await dealt(source, orders[0], fold), target: await dealt(target, orders[1], fold) });
  }
  return result;
}

function joined(a: DomainMoments, b: DomainMoments, factor: number): DomainMoments {
  const join = (first: Moments, second: Moments): Moments => {
    const total = first.total.slice();
    addScaled(total, factor, second.total, 0);
    return {
      rows: first.rows,
      count: first.count + factor * second.count,
      total,
      products: sum(first.products, second.products, factor),
    };
  };
  return { source: join(a.source, b.source), target: join(a.target, b.target) };
}

/** w and b of least Σ (xᵀw + b − y)² + λ‖w‖², y = 1 in the source and −1 in the target, each domain weighing ½. */
function ridge({ source, target }: DomainMoments, regularisation: number) {
  const width = source.total.length;
  const [from, to] = [source, target].map(({ total, count }) => total.map((value) => value / count));
  if (from === undefined || to === undefined) throw new Error("there are two domains");
  const mean = from.map((value, j) => (value + (to[j] ?? 0)) / 2);
  const row = matrix(1, width, mean);
  const outer = matrix(width, width);
  for (let i = 0; i < width; i++)
    addScaled(outer.values.subarray(i * width, (i + 1) * width), mean[i] ?? 0, row.values, 0);
  const halves = sum(scaled(source.products, 1 / (2 * source.count)), target.products, 1 / (2 * target.count));
  const scatter = sum(halves, outer, -1);
  const variance =
    Array.from({ length: width }, (_, j) => scatter.values[j * width + j] ?? 0).reduce((a, b) => a + b, 0) / width;
  if (!(variance > 0)) return { weights: matrix(width, 1), bias: 0 };
  const lower = cholesky(plusDiagonal(scatter, regularisation * variance), "the scatter of both domains");
  const difference = from.map((value, j) => (value - (to[j] ?? 0)) / 2);
  const weights = solveLowerTransposed(lower, solveLower(lower, matrix(width, 1, difference)));
  return { weights, bias: -dot(mean, weights.values) };
}
