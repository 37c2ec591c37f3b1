import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import type { Steps } from "../base/steps.ts";
import { projectOntoBoundedSum } from "../optim/boundedSum.ts";
import { minimiseProjected } from "../optim/projectedGradient.ts";
import { distancesByDifferences, gaussian, medianDistance } from "./gaussianKernel.ts";

export interface KliepOptions {
  /** Decides centres and folds. */
  readonly seed: number;
  /** σ of the Gaussian kernel. Default: the one with the best likelihood in cross-validation. */
  readonly width?: number;
}

/** How likely held-out target rows are under one width. */
export interface WidthTrial {
  readonly width: number;
  /** Mean of log w over rows that the fit did not see. */
  readonly logLikelihood: number;
}

export interface Kliep {
  /** One for each source row, mean one. */
  readonly weights: Float64Array;
  readonly width: number;
  readonly trials: readonly WidthTrial[];
  /** By how much, at most, the likelihood of the target rows is below its maximum. */
  readonly gap: number;
}

/** b of the paper: kernels sit on so many target rows at most. Memory grows with source rows × centres. */
const mostCentres = 100;
const foldCount = 5;
/** Widths that are tried, in units of the median distance. */
const widthFactors = Array.from({ length: 9 }, (_, i) => 2 ** (i / 2 - 2));
/** Of the mean log-likelihood, which other target rows would change by far more. */
const tolerance = 1e-3;
const maxIterations = 1000;
/** Of a density where no kernel reaches: its logarithm must stay a number. */
const nowhere = 1e-300;

/**
 * The ratio w = p(target)/p(source) as a sum of Gaussians on target rows, w(x) = Σ αₗ·φₗ(x), by the Kullback-Leibler importance estimation procedure
 * (Sugiyama, Suzuki, Nakajima, Kashima, von Bünau & Kawanabe 2008, eq. 9 and figure 1): maximises Σ log w(target) over α ≥ 0 with mean w(source) = 1,
 * by projected gradient ascent. Its width is the one with the best likelihood in cross-validation (§2.3), where kernels sit on the fold's own
 * target rows: one on a held-out row would tell of itself.
 *
 * @throws `data` where all rows are equal
 */
export function* kliep(source: Rows, target: Rows, { seed, width: wanted }: KliepOptions): Steps<Kliep> {
  const median = yield* medianDistance(source, target);
  if (!(median > 0)) throw new GraftError("data", "KLIEP: all rows are equal, so there is nothing to weigh.");
  const order = [...stream(seed, "kliep").permutation(target.count)];
  const centres = order.slice(0, mostCentres);
  const centreRows = taken(target, centres);
  const squares = {
    centres: centres.length,
    source: yield* distancesByDifferences(source, centreRows),
    target: yield* distancesByDifferences(target, centreRows),
  };
  const trials = wanted === undefined ? yield* crossValidate(squares, order, centres, median) : [];
  const first = { width: wanted ?? median, logLikelihood: -Infinity };
  const { width } = trials.reduce((a, b) => (b.logLikelihood > a.logLikelihood ? b : a), first);
  const basis = basisAt(squares, width);
  const columns = [...centres.keys()];
  const { shares, gap } = yield* fit(basis, order, columns);
  const weights = Float64Array.from({ length: source.count }, (_, row) =>
    mixed(basis.source, row * centres.length, columns, shares),
  );
  return { weights, width, trials, gap };
}

/** Of all rows and each centre, [rows, centres]: squared distances, or what the basis functions are there. */
interface FromCentres {
  readonly centres: number;
  readonly source: Float64Array;
  readonly target: Float64Array;
}

/** Each width's likelihood of target rows that its fit did not see. `order` puts rows into folds. */
function* crossValidate(
  squares: FromCentres,
  order: readonly number[],
  centres: readonly number[],
  median: number,
): Steps<readonly WidthTrial[]> {
  const folds = Math.min(foldCount, order.length);
  if (folds < 2) return [];
  const foldOf = new Map(order.map((row, at) => [row, at % folds]));
  const trials: WidthTrial[] = [];
  for (const factor of widthFactors) {
    const basis = basisAt(squares, factor * median);
    let sum = 0;
    for (let fold = 0; fold < folds; fold++) {
      const columns = [...centres.keys()].filter((column) => foldOf.get(centres[column] ?? 0) !== fold);
      const seen = order.filter((row) => foldOf.get(row) !== fold);
      const { shares } = yield* fit(basis, seen, columns);
      for (const row of order) {
        if (foldOf.get(row) === fold)
          sum += Math.log(Math.max(nowhere, mixed(basis.target, row * basis.centres, columns, shares)));
      }
    }
    trials.push({ width: factor * median, logLikelihood: sum / order.length });
  }
  return trials;
}

/**
 * The Gaussians, each divided by its mean over the source: then Σ α·φ has mean one over the source exactly where the shares of these
 * functions sum to one. A Gaussian that no source row reaches is left at zero.
 */
function basisAt(squares: FromCentres, width: number): FromCentres {
  const { centres } = squares;
  const source = gaussian(squares.source, width);
  const target = gaussian(squares.target, width);
  const masses = new Float64Array(centres);
  for (const [i, entry] of source.entries()) masses[i % centres] = (masses[i % centres] ?? 0) + entry;
  const rows = source.length / centres;
  const factors = masses.map((mass) => (mass > 0 ? rows / mass : 0));
  const scaled = (entry: number, i: number) => entry * (factors[i % centres] ?? 0);
  return { centres, source: source.map(scaled), target: target.map(scaled) };
}

/** The shares of the basis functions `columns` under which the target's `rows` are likeliest. */
function* fit(
  basis: FromCentres,
  rows: readonly number[],
  columns: readonly number[],
): Steps<{ readonly shares: Float64Array; readonly gap: number }> {
  const values = Float64Array.from(
    rows.flatMap((row) => columns.map((column) => basis.target[row * basis.centres + column] ?? 0)),
  );
  const { point, distance } = yield* minimiseProjected(
    (shares) => surprise(values, shares),
    (shares) => projectOntoBoundedSum(shares, { upper: 1, least: 1, most: 1 }),
    new Float64Array(columns.length).fill(1 / columns.length),
    { tolerance, maxIterations, distance: likelihoodGap },
  );
  return { shares: point, gap: distance };
}

/** The mean of −log Σ γ·φ over rows of `values`, and its gradient. */
function surprise(values: Float64Array, shares: Float64Array) {
  const width = shares.length;
  const count = values.length / width;
  const gradient = new Float64Array(width);
  let value = 0;
  for (let start = 0; start < values.length; start += width) {
    let ratio = nowhere;
    for (let k = 0; k < width; k++) ratio += (shares[k] ?? 0) * (values[start + k] ?? 0);
    value -= Math.log(ratio) / count;
    const factor = 1 / (ratio * count);
    for (let k = 0; k < width; k++) gradient[k] = (gradient[k] ?? 0) - factor * (values[start + k] ?? 0);
  }
  return { value, gradient };
}

/** The likelihood J is concave: J(γ*) − J(γ) ≤ ∇J·(γ* − γ) ≤ max ∇J − ∇J·γ on the simplex. */
function likelihoodGap(shares: Float64Array, gradient: Float64Array): number {
  let [steepest, here] = [-Infinity, 0];
  for (const [i, entry] of gradient.entries()) {
    steepest = Math.max(steepest, -entry);
    here -= entry * (shares[i] ?? 0);
  }
  return steepest - here;
}

/** Σ share·φ of one row. */
function mixed(basis: Float64Array, start: number, columns: readonly number[], shares: Float64Array): number {
  let ratio = 0;
  for (const [at, column] of columns.entries()) ratio += (shares[at] ?? 0) * (basis[start + column] ?? 0);
  return ratio;
}

function taken({ values, width }: Rows, places: readonly number[]): Rows {
  const kept = new Float64Array(places.length * width);
  for (const [to, from] of places.entries()) {
    for (let k = 0; k < width; k++) kept[to * width + k] = values[from * width + k] ?? 0;
  }
  return { values: kept, count: places.length, width };
}
