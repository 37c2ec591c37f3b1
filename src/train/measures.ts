import { didYouMean, GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";

/** Sums a measure over a batch; the mean over all samples is logged. */
type Measure = (predictions: Tensor, targets: Tensor) => number;

/** Measures that `compile({ metrics })` takes, by their Keras names. */
export const measures = {
  accuracy: (predictions, targets) => {
    const [count = 0, width = 1] = predictions.shape;
    const { floats } = predictions;
    const truth = targets.data;
    let right = 0;
    for (let i = 0; i < count; i++) {
      if (width === 1) right += Number(Number(floats[i]) > 0.5) === Number(truth[i]) ? 1 : 0;
      else right += argMax(floats, i * width, width) === trueClass(targets, i, width) ? 1 : 0;
    }
    return right;
  },
  mae: (predictions, targets) => meanOfRows(predictions, targets, Math.abs),
  mse: (predictions, targets) => meanOfRows(predictions, targets, (error) => error * error),
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof measures;

/** Throws `usage` for a name that is no measure. */
export function checkMeasures(names: readonly string[]): void {
  for (const name of names) {
    if (!(name in measures)) {
      throw new GraftError("usage", `unknown metric "${name}".${didYouMean(name, Object.keys(measures))}`);
    }
  }
}

/** The index of the largest of `width` values from `start`, the first among equals. */
export function argMax(values: ArrayLike<number>, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) {
    if ((values[start + i] ?? 0) > (values[start + best] ?? 0)) best = i;
  }
  return best;
}

/** Rows of numbers begin with the true distribution over the classes; what a loss asks for beyond that stands behind it. */
function trueClass(targets: Tensor, row: number, width: number): number {
  if (targets.dtype === "int32") return Number(targets.data[row]);
  return argMax(targets.floats, (row * targets.size) / (targets.shape[0] ?? 1), width);
}

function meanOfRows(predictions: Tensor, targets: Tensor, measure: (error: number) => number): number {
  const [count = 1] = predictions.shape;
  const width = predictions.size / count;
  let sum = 0;
  for (let i = 0; i < predictions.size; i++)
    sum += measure((predictions.floats[i] ?? 0) - Number(targets.data[i])) / width;
  return sum;
}
