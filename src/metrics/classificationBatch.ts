import { GraftError } from "../base/errors.ts";
import { checkWeights, weightOf } from "./weightedMean.ts";

/** Predictions for N samples, with the truth. */
export interface ClassificationBatch {
  /** [N, classes], row-major. */
  readonly probabilities: Float32Array;
  /** [N] the true class of each sample. */
  readonly labels: Int32Array;
  /** At least 2: one sigmoid unit p is the row [1 − p, p]. */
  readonly classes: number;
  /** [N] what each sample counts; 1 without. A sample of weight 0 (such as padding) is left out and not checked. */
  readonly weights?: Float32Array;
}

/**
 * Checks a batch at the border, so that metrics can trust it.
 * Throws `shape` for lengths that do not fit, `data` for labels and weights out of range, `diverged` for a probability that is no number.
 */
export function checkBatch({ probabilities, labels, classes, weights }: ClassificationBatch): void {
  if (classes < 2) {
    throw new GraftError(
      "shape",
      `metrics: found ${classes} class; expected 2 or more. Give one sigmoid unit p as [1 - p, p].`,
    );
  }
  if (probabilities.length !== labels.length * classes) {
    const expected = `${labels.length} samples × ${classes} classes = ${labels.length * classes}`;
    throw new GraftError("shape", `metrics: found ${probabilities.length} probabilities; expected ${expected}.`);
  }
  checkWeights(weights, labels.length);
  for (let i = 0; i < labels.length; i++) {
    if (weightOf(weights, i) === 0) continue;
    if (!(labels[i] >= 0 && labels[i] < classes)) {
      throw new GraftError("data", `metrics: sample ${i} has label ${labels[i]}; expected 0 to ${classes - 1}.`);
    }
    checkRow(probabilities, i, classes);
  }
}

/** All batches as one, without the samples of weight 0: a copy, unless it is one batch with nothing to leave out. */
export function countedSamples(batches: readonly ClassificationBatch[]): ClassificationBatch {
  const [first] = batches;
  if (first === undefined) return { probabilities: new Float32Array(), labels: new Int32Array(), classes: 2 };
  if (batches.length === 1 && first.weights?.includes(0) !== true) return first;
  const { classes } = first;
  const kept = batches.flatMap((batch) => Array.from(batch.labels.keys(), (i) => ({ batch, i })));
  const counted = kept.filter(({ batch, i }) => weightOf(batch.weights, i) !== 0);
  const probabilities = new Float32Array(counted.length * classes);
  counted.forEach(({ batch, i }, to) => {
    probabilities.set(batch.probabilities.subarray(i * classes, (i + 1) * classes), to * classes);
  });
  return {
    probabilities,
    labels: Int32Array.from(counted, ({ batch, i }) => batch.labels[i]),
    classes,
    weights: Float32Array.from(counted, ({ batch, i }) => weightOf(batch.weights, i)),
  };
}

/** The most probable class of sample `i`: the lowest among equals. */
export function predictedClass({ probabilities, classes }: ClassificationBatch, i: number): number {
  const start = i * classes;
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if (probabilities[start + c] > probabilities[start + best]) best = c;
  }
  return best;
}

function checkRow(probabilities: Float32Array, i: number, classes: number): void {
  for (let c = 0; c < classes; c++) {
    const p = probabilities[i * classes + c];
    if (Number.isFinite(p)) continue;
    throw new GraftError(
      "diverged",
      `metrics: the probability of class ${c} for sample ${i} of the batch is ${p}. The model has diverged: train it with a lower learning rate.`,
    );
  }
}
