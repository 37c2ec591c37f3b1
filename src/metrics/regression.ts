import { GraftError } from "../base/errors.ts";
import type { Metric } from "./metric.ts";
import { checkWeights, type MeanState, nothingMeasured, weightedMean, weightOf } from "./weightedMean.ts";

/** Predicted numbers for N samples, with the truth. */
export interface RegressionBatch {
  /** [N, units], row-major. */
  readonly predictions: Float32Array;
  /** [N, units], row-major. */
  readonly targets: Float32Array;
  readonly units: number;
  /** [N] what each sample counts; 1 without. A sample of weight 0 is left out and not checked. */
  readonly weights?: Float32Array;
}

/** Mean absolute error. */
export function mae(): Metric<RegressionBatch, MeanState, number> {
  return weightedMean("mae", (batch) => meanOverUnits(batch, Math.abs));
}

/** Mean squared error. */
export function mse(): Metric<RegressionBatch, MeanState, number> {
  return weightedMean("mse", (batch) => meanOverUnits(batch, (error) => error * error));
}

/** All that is measured of predicted numbers: plain data, fit for JSON. */
export interface RegressionReport {
  /** How many samples were measured; those of weight 0 are not. */
  readonly count: number;
  readonly mae: number;
  /** The root of the mean squared error. */
  readonly rmse: number;
  /** The share of the targets' variance that is explained, 1 − Σ(y − f)² / Σ(y − ȳ)²; left out where the targets do not vary. */
  readonly r2?: number;
}

export interface RegressionState {
  readonly count: number;
  readonly absolute: MeanState;
  readonly squared: MeanState;
  /** Of the targets, all units alike: the weighted mean and the sum of squares around it. */
  readonly spread: { readonly weight: number; readonly mean: number; readonly squares: number };
}

/** Everything about predicted numbers in one pass; rows of several units count as so many numbers. */
export function regressionMetrics(): Metric<RegressionBatch, RegressionState, RegressionReport> {
  const absolute = mae();
  const squared = mse();
  return {
    name: "regression",
    init: () => ({
      count: 0,
      absolute: absolute.init(),
      squared: squared.init(),
      spread: { weight: 0, mean: 0, squares: 0 },
    }),
    add: (state, batch) => ({
      absolute: absolute.add(state.absolute, batch),
      squared: squared.add(state.squared, batch),
      spread: mergeSpreads(state.spread, spreadOf(batch)),
      count: state.count + countOf(batch),
    }),
    merge: (a, b) => ({
      count: a.count + b.count,
      absolute: absolute.merge(a.absolute, b.absolute),
      squared: squared.merge(a.squared, b.squared),
      spread: mergeSpreads(a.spread, b.spread),
    }),
    value(state) {
      if (!(state.spread.weight > 0)) throw nothingMeasured("regression");
      const meanSquare = squared.value(state.squared);
      const variance = state.spread.squares / state.spread.weight;
      return {
        count: state.count,
        mae: absolute.value(state.absolute),
        rmse: Math.sqrt(meanSquare),
        ...(variance > 0 ? { r2: 1 - meanSquare / variance } : {}),
      };
    },
  };
}

function spreadOf({ targets, units, weights }: RegressionBatch): RegressionState["spread"] {
  let spread = { weight: 0, mean: 0, squares: 0 };
  for (let i = 0; i < targets.length; i++) {
    const weight = weightOf(weights, Math.floor(i / units)) / units;
    if (weight > 0) spread = mergeSpreads(spread, { weight, mean: targets[i], squares: 0 });
  }
  return spread;
}

/** Both samples as one (Chan, Golub & LeVeque 1983). */
function mergeSpreads(a: RegressionState["spread"], b: RegressionState["spread"]): RegressionState["spread"] {
  if (a.weight === 0 || b.weight === 0) return a.weight === 0 ? b : a;
  const weight = a.weight + b.weight;
  const apart = b.mean - a.mean;
  const mean = a.mean + (apart * b.weight) / weight;
  return { weight, mean, squares: a.squares + b.squares + apart * apart * ((a.weight * b.weight) / weight) };
}

function countOf({ targets, units, weights }: RegressionBatch): number {
  let count = 0;
  for (let i = 0; i < targets.length / units; i++) if (weightOf(weights, i) !== 0) count++;
  return count;
}

// [N, units] → [N]
function meanOverUnits(batch: RegressionBatch, cost: (error: number) => number): Float64Array {
  const { predictions, targets, units } = batch;
  checkBatch(batch);
  const means = new Float64Array(predictions.length / units);
  for (let i = 0; i < predictions.length; i++) {
    means[Math.floor(i / units)] += cost(predictions[i] - targets[i]) / units;
  }
  return means;
}

function checkBatch({ predictions, targets, units, weights }: RegressionBatch): void {
  if (predictions.length !== targets.length || !Number.isInteger(predictions.length / units)) {
    throw new GraftError(
      "shape",
      `metrics: found ${predictions.length} predictions for ${targets.length} targets; expected as many, a multiple of ${units}.`,
    );
  }
  checkWeights(weights, predictions.length / units);
  for (let i = 0; i < predictions.length; i++) {
    const sample = Math.floor(i / units);
    if (Number.isFinite(predictions[i]) || weightOf(weights, sample) === 0) continue;
    throw new GraftError(
      "diverged",
      `metrics: the prediction for sample ${sample} of the batch is ${predictions[i]}. The model has diverged: train it with a lower learning rate.`,
    );
  }
}
