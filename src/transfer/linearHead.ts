import type { Engine } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { type LinearParameters, LinearProblem } from "./linearProblem.ts";

/** Strengths of the penalty that are tried, strongest first: each solution is the start of the next. */
const penalties = Array.from({ length: 13 }, (_, i) => 10 ** (1 - i / 2));
/** Of folds, which choose between powers of ten; and of the solution itself, which is reached with half as many evaluations without the path. */
const roughTolerance = 1e-3;
const gradientTolerance = 1e-5;
/** The path ends when the held-out loss has been worse than the best so many times in a row. */
const patience = 2;

/** What was measured at one strength of the penalty. */
export interface PenaltyTrial {
  readonly penalty: number;
  /** Of images that the fold's solution was not made from, mean over all of them. */
  readonly loss: number;
  /** Only where classes are learned. */
  readonly accuracy: number | undefined;
}

export interface LinearHead extends LinearParameters {
  /** λ of λ/2·‖kernel‖², chosen, with features standardised. */
  readonly penalty: number;
  readonly trials: readonly PenaltyTrial[];
  readonly iterations: number;
}

export interface LinearHeadOptions {
  /** Classes, or numbers a sample. */
  readonly units: number;
  /** The fold of each row in cross-validation; −1 for rows that every fold learns from. */
  readonly folds: Int32Array;
  /** Where classes are learned. */
  readonly classWeights: readonly number[] | undefined;
  /** How much each row counts, beside its class; the same without. */
  readonly sampleWeights?: ArrayLike<number>;
  /** Default: the one that cross-validation chooses. */
  readonly penalty?: number | undefined;
  /** Called after each strength of the penalty. */
  readonly onTrial?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Multinomial logistic regression on features [N, width], solved to its optimum by L-BFGS: the mean cross-entropy plus λ/2·‖kernel‖² on
 * standardised features; where the targets are numbers, ridge regression with the mean squared error. λ is the one with the least
 * cross-validated loss, unless it is given.
 */
export async function solveLinearHead(
  data: TrainingData,
  options: LinearHeadOptions,
  engine: Engine,
): Promise<LinearHead> {
  const { units, classWeights, sampleWeights, signal } = options;
  const problem = await LinearProblem.open(data, units, engine, signal);
  try {
    const { labels } = problem;
    const weights = new Float64Array(data.count).map(
      (_, row) => (classWeights?.[labels?.[row] ?? -1] ?? 1) * (sampleWeights?.[row] ?? 1),
    );
    const trials = options.penalty === undefined ? await crossValidate(problem, weights, options) : [];
    const best = trials.reduce((a, b) => (b.loss < a.loss ? b : a), { penalty: 1e-2, loss: Infinity, accuracy: 0 });
    const penalty = options.penalty ?? best.penalty;
    const { point, iterations } = await problem.solve(weights, penalty, problem.origin, gradientTolerance);
    return { ...problem.head(point), penalty, trials, iterations };
  } finally {
    await problem.dispose();
  }
}

/** Each fold's solution, from strong to weak penalties, measured on the fold. */
async function crossValidate(
  problem: LinearProblem,
  weights: Float64Array,
  { units, folds, onTrial }: LinearHeadOptions,
): Promise<readonly PenaltyTrial[]> {
  const { labels } = problem;
  const names = [...new Set(folds)].filter((fold) => fold >= 0);
  if (names.length < 2) return [];
  const points = new Map<number, Float64Array>();
  const trials: PenaltyTrial[] = [];
  let worse = 0;
  for (const [done, penalty] of penalties.entries()) {
    const sums = { loss: 0, right: 0, weight: 0 };
    for (const fold of names) {
      const kept = weights.map((weight, row) => (folds[row] === fold ? 0 : weight));
      const { point } = await problem.solve(kept, penalty, points.get(fold) ?? problem.origin, roughTolerance);
      points.set(fold, point);
      const { losses, predictions } = await problem.evaluate(point, kept);
      for (let row = 0; row < weights.length; row++) {
        if (folds[row] !== fold) continue;
        const weight = weights[row] ?? 0;
        sums.loss += weight * (losses[row] ?? 0);
        sums.weight += weight;
        sums.right += weight * Number(isFirst(predictions, row * units, units, labels?.[row] ?? -1));
      }
    }
    const accuracy = labels === undefined ? undefined : sums.right / sums.weight;
    trials.push({ penalty, loss: sums.loss / sums.weight, accuracy });
    onTrial?.(done + 1, penalties.length);
    const least = Math.min(...trials.map(({ loss }) => loss));
    worse = (trials.at(-1)?.loss ?? 0) > least ? worse + 1 : 0;
    if (worse > patience) break;
  }
  return trials;
}

function isFirst(predictions: Float32Array, start: number, units: number, label: number): boolean {
  const row = predictions.subarray(start, start + units);
  return row.indexOf(Math.max(...row)) === label;
}
