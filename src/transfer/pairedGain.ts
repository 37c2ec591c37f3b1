/** How much better one classifier is than another on the same images. */
export interface PairedGain {
  /** Difference of the accuracies. */
  readonly gain: number;
  /** Of that difference: images that both get right, or both wrong, add nothing to it. */
  readonly standardError: number;
}

/** Compares right (1) and wrong (0) answers, image by image. */
export function pairedGain(before: readonly number[], after: readonly number[]): PairedGain {
  const differences = after.map((right, i) => right - (before[i] ?? 0));
  const count = differences.length;
  const gain = differences.reduce((sum, difference) => sum + difference, 0) / count;
  const squares = differences.reduce((sum, difference) => sum + (difference - gain) ** 2, 0);
  return { gain, standardError: count < 2 ? Number.POSITIVE_INFINITY : Math.sqrt(squares / (count - 1) / count) };
}
