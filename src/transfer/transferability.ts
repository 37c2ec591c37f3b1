import type { Rows } from "../base/rows.ts";
import { centred, type Spectrum, spectrumOf } from "./spectrum.ts";

const convergence = 1e-6;
const longestSearch = 200;

/** How well features fit labels, without training on them: larger is better. */
export interface Transferability {
  readonly logMe: number;
  readonly hScore: number;
}

/**
 * LogME and H-score of features against class indices 0 … `classes` − 1.
 *
 * @param labels one a row
 */
export function transferability(features: Rows, labels: ArrayLike<number>, classes: number): Transferability {
  return { logMe: logMe(features, labels, classes), hScore: hScore(features, labels, classes) };
}

/**
 * The log evidence a sample that a Bayesian linear model on the features gives to each class's indicator, at its most probable priors;
 * mean over the classes (You, Liu, Wang & Long 2021, eq. 2 and algorithm 3).
 */
export function logMe(features: Rows, labels: ArrayLike<number>, classes: number): number {
  const spectrum = spectrumOf(features);
  const { count, width } = features;
  let sum = 0;
  let present = 0;
  for (let c = 0; c < classes; c++) {
    const column = indicator(labels, count, c);
    if (!column.includes(1)) continue;
    sum += maximumEvidence(spectrum, column, width) / count;
    present++;
  }
  return sum / present;
}

/** max over α, β of log N(y; 0, F·Fᵀ/α + 1/β), by MacKay's fixed point. */
function maximumEvidence({ squares, project }: Spectrum, column: Float64Array, width: number): number {
  const count = column.length;
  const projected = project(column).map((entry) => entry * entry);
  const whole = column.reduce((sum, entry) => sum + entry * entry, 0);
  const unexplained = Math.max(0, whole - projected.reduce((a, b) => a + b, 0));
  const sumOver = (term: (square: number, part: number) => number) =>
    squares.reduce((sum, square, i) => sum + term(square, projected[i] ?? 0), 0);
  let [alpha, beta] = [1, 1];
  for (let round = 0; round < longestSearch; round++) {
    const ratio = alpha / beta;
    const effective = sumOver((square) => square / (square + ratio));
    const weightNorm = sumOver((square, part) => (square * part) / (square + ratio) ** 2);
    const residual = unexplained + sumOver((square, part) => part * (ratio / (square + ratio)) ** 2);
    // Kept away from zero, where labels are explained wholly or not at all.
    alpha = effective / Math.max(weightNorm, 1e-12);
    beta = (count - effective) / Math.max(residual, 1e-12);
    if (Math.abs(alpha / beta - ratio) <= convergence * ratio) break;
  }
  // Of the marginal's eigenvalues: 1/β + s/α along U, 1/β elsewhere. Features beyond the rank add nothing.
  const rank = Math.min(squares.length, width, count);
  const logDeterminant = sumOver((square) => Math.log(1 / beta + square / alpha)) - (count - rank) * Math.log(beta);
  const distance = beta * unexplained + sumOver((square, part) => part / (1 / beta + square / alpha));
  return -(logDeterminant + distance + count * Math.log(2 * Math.PI)) / 2;
}

/**
 * How much of the features' variance lies between the classes, in units of their covariance (Bao et al. 2019, eq. 1), with the covariance shrunk
 * towards a multiple of the identity (Ledoit & Wolf 2004), without which fewer samples than features say nothing (Ibrahim et al. 2022).
 */
export function hScore(features: Rows, labels: ArrayLike<number>, classes: number): number {
  const { count, width } = features;
  const moved = centred(features);
  const spectrum = spectrumOf(moved);
  const variances = spectrum.squares.map((square) => square / count);
  const mean = variances.reduce((a, b) => a + b, 0) / width;
  if (mean === 0) return 0;
  const shrinkage = ledoitWolf(moved, variances, mean);
  let score = 0;
  for (let c = 0; c < classes; c++) {
    const column = indicator(labels, count, c);
    const size = column.reduce((a, b) => a + b, 0);
    if (size === 0) continue;
    for (const [i, part] of spectrum.project(column).entries()) {
      const variance = variances[i] ?? 0;
      score += ((variance / ((1 - shrinkage) * variance + shrinkage * mean)) * part * part) / size;
    }
  }
  return (1 - shrinkage) * score;
}

/** The share of the identity, 0 to 1, at which the expected error of the covariance is least. */
function ledoitWolf({ values, count, width }: Rows, variances: readonly number[], mean: number): number {
  const norm = variances.reduce((sum, variance) => sum + variance * variance, 0);
  const away = norm - width * mean * mean;
  let fourth = 0;
  for (let i = 0; i < count; i++) {
    let square = 0;
    for (let j = i * width; j < (i + 1) * width; j++) square += (values[j] ?? 0) ** 2;
    fourth += square * square;
  }
  const noise = (fourth / count - norm) / count;
  return away <= 0 ? 1 : Math.max(0, Math.min(1, noise / away));
}

/**
 * Log expected empirical prediction (Nguyen, Hassner, Seeger & Archambeau 2020, §3): how likely the labels are, told from the classes
 * that the source network sees.
 *
 * @param predicted the source network's probabilities, a row a sample
 * @returns mean log-likelihood, at most 0
 */
export function leep(predicted: Rows, labels: ArrayLike<number>, classes: number): number {
  const { values, count, width } = predicted;
  const joint = new Float64Array(classes * width);
  const marginal = new Float64Array(width);
  for (let i = 0; i < count; i++) {
    for (let z = 0; z < width; z++) {
      const share = (values[i * width + z] ?? 0) / count;
      const at = (labels[i] ?? 0) * width + z;
      joint[at] = (joint[at] ?? 0) + share;
      marginal[z] = (marginal[z] ?? 0) + share;
    }
  }
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let likelihood = 0;
    for (let z = 0; z < width; z++) {
      const whole = marginal[z] ?? 0;
      if (whole > 0) likelihood += ((values[i * width + z] ?? 0) * (joint[(labels[i] ?? 0) * width + z] ?? 0)) / whole;
    }
    sum += Math.log(likelihood);
  }
  return sum / count;
}

/**
 * Minus the entropy of the labels that is left when the source's label is known (Tran, Nguyen & Hassner 2019, eq. 7): LEEP of certain predictions.
 *
 * @param sourceLabels the class that the source network names, one a sample
 */
export function negativeConditionalEntropy(
  sourceLabels: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number {
  const count = labels.length;
  const width = 1 + Array.from(sourceLabels).reduce((a, b) => Math.max(a, b), 0);
  const values = new Float64Array(count * width);
  for (let i = 0; i < count; i++) values[i * width + (sourceLabels[i] ?? 0)] = 1;
  return leep({ values, count, width }, labels, classes);
}

function indicator(labels: ArrayLike<number>, count: number, wanted: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => Number(labels[i] === wanted));
}
