import { didYouMean, GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";

/** What is logged of an epoch: the mean over all samples, or over those that count. */
export interface Measure {
  /** Of its log; behind `val_` for validation. */
  readonly name: string;
  /** Over the samples of a batch. */
  sum(predictions: Tensor, targets: Tensor): number;
  /** How many of them count; all without. */
  count?(targets: Tensor): number;
}

/** Measures that `compile({ metrics })` takes, by their Keras names. */
export const measures = {
  accuracy: named("accuracy", (predictions, targets) => {
    const [count = 0, width = 1] = predictions.shape;
    const { floats } = predictions;
    const truth = targets.data;
    let right = 0;
    for (let i = 0; i < count; i++) {
      if (width === 1) right += Number(Number(floats[i]) > 0.5) === Number(truth[i]) ? 1 : 0;
      else right += argMax(floats, i * width, width) === trueClass(targets, i, width) ? 1 : 0;
    }
    return right;
  }),
  mae: named("mae", (predictions, targets) => meanOfRows(predictions, targets, Math.abs)),
  mse: named("mse", (predictions, targets) => meanOfRows(predictions, targets, (error) => error * error)),
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof measures;

/** Sums of measures over the batches that were seen, by name. */
export class MeasureSums {
  readonly sums: Record<string, number>;

  /** Goes on from `sums`, which it changes. */
  constructor(sums: Record<string, number> = {}) {
    this.sums = sums;
  }

  add(measured: readonly Measure[], predictions: Tensor, targets: Tensor): void {
    for (const { name, sum, count } of measured) {
      this.#raise(name, sum(predictions, targets));
      this.#raise(countOf(name), count === undefined ? (predictions.shape[0] ?? 0) : count(targets));
    }
  }

  /** The means; left out where no sample counted. */
  means(measured: readonly Measure[]): Record<string, number> {
    const means = measured.flatMap(({ name }) => {
      const count = this.sums[countOf(name)] ?? 0;
      return count > 0 ? [[name, (this.sums[name] ?? 0) / count] as const] : [];
    });
    return Object.fromEntries(means);
  }

  #raise(name: string, by: number): void {
    this.sums[name] = (this.sums[name] ?? 0) + by;
  }
}

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

function named(name: string, sum: Measure["sum"]): Measure {
  return { name, sum };
}

/** Under which the samples that count in a measure are kept. */
function countOf(name: string): string {
  return `count of ${name}`;
}

function meanOfRows(predictions: Tensor, targets: Tensor, measure: (error: number) => number): number {
  const [count = 1] = predictions.shape;
  const width = predictions.size / count;
  let sum = 0;
  for (let i = 0; i < predictions.size; i++)
    sum += measure((predictions.floats[i] ?? 0) - Number(targets.data[i])) / width;
  return sum;
}
