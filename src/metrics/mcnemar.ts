/** How two classifiers differ on the same samples. */
export interface McNemar {
  /** Samples that only the first, and only the second, gets right: the others say nothing about which is better. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided probability of so uneven a split, or a more uneven one, if neither were better: exact (McNemar 1947 with the binomial distribution). */
  readonly exact: number;
  /** The same with half of the weight of what was seen (Fagerland, Lydersen & Laake 2013): less timid, and still near its level. */
  readonly midP: number;
}

/** Compares right (1) and wrong (0) answers, sample by sample. */
export function mcnemar(first: readonly number[], second: readonly number[]): McNemar {
  let onlyFirst = 0;
  let onlySecond = 0;
  for (let i = 0; i < first.length; i++) {
    if (first[i] > second[i]) onlyFirst++;
    if (second[i] > first[i]) onlySecond++;
  }
  const { below, at } = fairCoins(onlyFirst + onlySecond, Math.min(onlyFirst, onlySecond));
  return { onlyFirst, onlySecond, exact: Math.min(1, 2 * (below + at)), midP: Math.min(1, 2 * below + at) };
}

/** The probability of fewer than `k`, and of exactly `k`, heads among `n` fair coins; k ≤ n / 2. */
function fairCoins(n: number, k: number): { readonly below: number; readonly at: number } {
  // From the largest term down, relative to it: nothing underflows before it ceases to matter.
  let logAt = -n * Math.LN2;
  for (let i = 0; i < k; i++) logAt += Math.log((n - i) / (i + 1));
  const at = Math.exp(logAt);
  let term = 1;
  let ratio = 0;
  for (let i = k; i > 0; i--) {
    term *= i / (n - i + 1);
    ratio += term;
  }
  return { below: at * ratio, at };
}

/** P values of several comparisons, raised so that one false alarm among all of them stays as rare as it was for one (Holm 1979). */
export function holm(pValues: readonly number[]): readonly number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
  const raised = new Array<number>(pValues.length).fill(1);
  let highest = 0;
  order.forEach((i, rank) => {
    highest = Math.max(highest, Math.min(1, (pValues.length - rank) * pValues[i]));
    raised[i] = highest;
  });
  return raised;
}
