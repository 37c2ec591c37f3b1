import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { dense } from "../nn/denseLayers.ts";
import { meanSquaredError, sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { minimise } from "../optim/lbfgs.ts";
import type { Engine } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { FullBatchLoss } from "./fullBatchLoss.ts";
import { measureStandardisation, type Standardisation, standardised } from "./standardise.ts";

/** Strengths of the penalty that are tried, strongest first: each solution is the start of the next. */
const penalties = Array.from({ length: 13 }, (_, i) => 10 ** (1 - i / 2));
/** Of folds, which choose between powers of ten; and of the solution itself, which is reached with half as many evaluations without the path. */
const roughTolerance = 1e-3;
const gradientTolerance = 1e-5;
const maxIterations = 300;
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

export interface LinearHead {
  /** [features, units] and [units], for features as they are. */
  readonly kernel: Tensor;
  readonly bias: Tensor;
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
  const { units } = options;
  const labels = data.targets.kind === "classes" ? data.targets.labels : undefined;
  const activation = labels === undefined ? "linear" : "softmax";
  const network = sequentialNetwork([dense(units, { activation, name: "head" })], data.inputShape);
  const loss = labels === undefined ? meanSquaredError() : sparseCategoricalCrossentropy();
  const scaling = await measureStandardisation(data);
  const objective = await FullBatchLoss.compile(network, loss, standardised(data, scaling), engine);
  try {
    const weights = new Float64Array(data.count).map((_, row) => options.classWeights?.[labels?.[row] ?? -1] ?? 1);
    const problem = { objective, weights, penalised: objective.size - units, signal: options.signal };
    const trials = options.penalty === undefined ? await crossValidate(problem, labels, options) : [];
    const best = trials.reduce((a, b) => (b.loss < a.loss ? b : a), { penalty: 1e-2, loss: Infinity, accuracy: 0 });
    const chosen = options.penalty ?? best.penalty;
    const start = new Float64Array(objective.size);
    const { point, iterations } = await solve(problem, weights, chosen, start, gradientTolerance);
    const { kernel, bias } = unstandardised(point, scaling, units);
    return { kernel, bias, penalty: chosen, trials, iterations };
  } finally {
    await objective.dispose();
  }
}

interface Problem {
  readonly objective: FullBatchLoss;
  readonly weights: Float64Array;
  /** The first so many numbers of a point, the kernel. */
  readonly penalised: number;
  readonly signal: AbortSignal | undefined;
}

async function solve(
  { objective, penalised, signal }: Problem,
  weights: Float64Array,
  penalty: number,
  start: Float64Array,
  tolerance: number,
) {
  const total = weights.reduce((a, b) => a + b, 0);
  const penalise = (point: Float64Array, sum: number, gradient: Float64Array) => {
    let squares = 0;
    for (let i = 0; i < gradient.length; i++) {
      const entry = i < penalised ? (point[i] ?? 0) : 0;
      squares += entry * entry;
      gradient[i] = (gradient[i] ?? 0) / total + penalty * entry;
    }
    return { value: sum / total + (penalty / 2) * squares, gradient };
  };
  return minimise(
    async (point) => {
      if (signal?.aborted) throw new GraftError("interrupted", "stopped while the head was being solved.");
      const { sum, gradient } = await objective.evaluate(point, weights);
      if (point === start && !Number.isFinite(sum)) throw notFinite();
      return penalise(point, sum, gradient);
    },
    start,
    { gradientTolerance: tolerance, maxIterations },
  );
}

function notFinite(): GraftError {
  return new GraftError(
    "diverged",
    "some features are not finite numbers, so no head can learn from them. The backbone's weights may be damaged, or its images prepared for another network.",
  );
}

/** Each fold's solution, from strong to weak penalties, measured on the fold. */
async function crossValidate(
  problem: Problem,
  labels: Int32Array | undefined,
  { units, folds, onTrial }: LinearHeadOptions,
): Promise<readonly PenaltyTrial[]> {
  const names = [...new Set(folds)].filter((fold) => fold >= 0);
  if (names.length < 2) return [];
  const { objective, weights } = problem;
  const points = new Map<number, Float64Array>(names.map((fold) => [fold, new Float64Array(objective.size)]));
  const trials: PenaltyTrial[] = [];
  let worse = 0;
  for (const [done, penalty] of penalties.entries()) {
    const sums = { loss: 0, right: 0, weight: 0 };
    for (const fold of names) {
      const kept = weights.map((weight, row) => (folds[row] === fold ? 0 : weight));
      const { point } = await solve(
        problem,
        kept,
        penalty,
        points.get(fold) ?? new Float64Array(objective.size),
        roughTolerance,
      );
      points.set(fold, point);
      const { losses, predictions } = await objective.evaluate(point, kept);
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

/** ŵ·(x − m)·s + b as w·x + b′. */
function unstandardised(point: Float64Array, { mean, scale }: Standardisation, units: number) {
  const width = mean.length;
  const kernel = Float32Array.from(point.subarray(0, width * units), (entry) => entry * scale);
  const bias = point.slice(width * units);
  for (const [i, entry] of kernel.entries()) {
    bias[i % units] = (bias[i % units] ?? 0) - entry * (mean[Math.floor(i / units)] ?? 0);
  }
  return {
    kernel: Tensor.of("float32", [width, units], kernel),
    bias: Tensor.of("float32", [units], Float32Array.from(bias)),
  };
}
