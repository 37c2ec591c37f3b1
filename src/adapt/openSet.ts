/** Of held-out source images, the share that may be taken for unknown. */
const allowedLoss = 0.05;

/** How right answers are where images of the source's classes and of others are asked about, shares from 0 to 1. */
export interface OpenAccuracy {
  /** OS*: the mean over the known classes of the share that is right in each; nothing without an image of one. */
  readonly known: number | undefined;
  /** The share of images of no known class that was called unknown; nothing without any. */
  readonly unknown: number | undefined;
  /** The harmonic mean of the two (H-score of Fu, Cao, Long & Wang 2020, HOS of Bucci, Loghmani & Tommasi 2020). */
  readonly harmonic: number | undefined;
}

/** What images of no known class are called: a name that no class has. */
export function unknownLabel(labels: readonly string[]): string {
  let name = "unknown";
  for (let next = 2; labels.includes(name); next++) name = `unknown ${next}`;
  return name;
}

/**
 * The probability that the answer has to reach, or an image is taken for unknown: that which all but one in twenty held-out source images reach, as where the
 * largest probability tells what is out of distribution (Hendrycks & Gimpel 2017).
 */
export function leastConfidence(probabilities: Float32Array, classes: number): number {
  const sorted = largestOf(probabilities, classes).toSorted((a, b) => a - b);
  return sorted[Math.floor(allowedLoss * sorted.length)] ?? 0;
}

/** The likeliest class of each row, or `classes` where even that is less likely than `least`. */
export function thresholdedAnswers(probabilities: Float32Array, classes: number, least: number): readonly number[] {
  return largestOf(probabilities, classes).map((largest, row) =>
    largest < least ? classes : probabilities.subarray(row * classes, (row + 1) * classes).indexOf(largest),
  );
}

/** @param truth class indices, `classes` for images of none of them, −1 for images that are left out */
export function openAccuracy(answers: readonly number[], truth: ArrayLike<number>, classes: number): OpenAccuracy {
  const rightShare = (wanted: number) => {
    const own = answers.filter((_, i) => truth[i] === wanted);
    return own.length === 0 ? undefined : own.filter((answer) => answer === wanted).length / own.length;
  };
  const shares = Array.from({ length: classes }, (_, wanted) => rightShare(wanted)).filter((one) => one !== undefined);
  const known = shares.length === 0 ? undefined : shares.reduce((sum, one) => sum + one, 0) / shares.length;
  const unknown = rightShare(classes);
  return { known, unknown, harmonic: harmonicMean(known, unknown) };
}

function harmonicMean(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a + b === 0 ? 0 : (2 * a * b) / (a + b);
}

function largestOf(probabilities: Float32Array, classes: number): readonly number[] {
  return Array.from({ length: probabilities.length / classes }, (_, row) =>
    Math.max(...probabilities.subarray(row * classes, (row + 1) * classes)),
  );
}
