/** The share of the most frequent label: accuracy of always naming it, which a classifier has to beat. 0 of none. */
export function majorityShare(labels: readonly (string | number | undefined)[]): number {
  const counts = new Map<string | number | undefined, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(0, ...counts.values()) / Math.max(1, labels.length);
}
