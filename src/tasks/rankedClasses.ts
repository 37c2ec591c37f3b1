import type { RankedClass } from "./task.ts";

/** Labels with their probabilities, the likeliest first. */
export function rankedClasses<Label extends string>(
  labels: readonly Label[],
  probabilities: Float32Array,
  top: number = labels.length,
): readonly RankedClass<Label>[] {
  const classes = labels.map((label, i) => ({ label, probability: probabilities[i] ?? 0 }));
  return classes.sort((a, b) => b.probability - a.probability).slice(0, top);
}
