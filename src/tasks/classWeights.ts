/** Weights that let each class count the same, n / (classes · nᵢ), when the largest has 1.5 times the images of the smallest or more. */
export function balancingWeights(labels: readonly number[], classes: number): readonly number[] | undefined {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.filter((count) => count > 0);
  if (Math.max(...present) < 1.5 * Math.min(...present)) return undefined;
  return counts.map((count) => (count === 0 ? 0 : labels.length / (present.length * count)));
}

/** `cat 0.50, dog 1.50` */
export function weightsTold(weights: readonly number[], labels: readonly string[]): string {
  const pairs = weights.slice(0, 12).map((weight, i) => `${labels[i]} ${weight.toFixed(2)}`);
  return [...pairs, ...(weights.length > 12 ? ["…"] : [])].join(", ");
}
