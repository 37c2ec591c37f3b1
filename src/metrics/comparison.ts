import { bootstrap } from "./bootstrap.ts";
import { holm, type McNemar, mcnemar } from "./mcnemar.ts";
import { type Interval, wilsonInterval } from "./wilson.ts";

/** How a classifier does on some samples, and beside the first of those it is compared with. */
export interface Standing {
  readonly accuracy: number;
  /** By Wilson. */
  readonly interval: Interval;
  /** Nothing for the first itself. */
  readonly against?: Against;
}

export interface Against extends McNemar {
  /** Difference of the accuracies, and its interval by paired bootstrap. */
  readonly gain: number;
  readonly interval: Interval;
}

/**
 * Compares the right (1) and wrong (0) answers of several classifiers to the same samples, [classifiers][samples], each with the first.
 * P values are raised by Holm's method where there are more than two classifiers.
 */
export function compareAnswers(right: readonly (readonly number[])[], { seed = 0 } = {}): readonly Standing[] {
  const [first = [], ...others] = right;
  const count = first.length;
  const differences = others.map((other) => Float64Array.from(other, (one, i) => one - first[i]));
  const intervals = bootstrap(count, (counts) => differences.map((values) => meanOf(values, counts)), { seed });
  const tests = others.map((other) => mcnemar(first, other));
  const exact = holm(tests.map((test) => test.exact));
  const midP = holm(tests.map((test) => test.midP));
  return right.map((answers, classifier) => {
    const accuracy = answers.reduce((sum, one) => sum + one, 0) / count;
    const standing = { accuracy, interval: wilsonInterval(accuracy, count) };
    if (classifier === 0) return standing;
    const at = classifier - 1;
    const gain = meanOf(differences[at]);
    const interval = intervals[at] ?? { lower: gain, upper: gain };
    return { ...standing, against: { ...tests[at], exact: exact[at], midP: midP[at], gain, interval } };
  });
}

function meanOf(values: Float64Array, counts?: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (counts?.[i] ?? 1) * values[i];
  return sum / values.length;
}
