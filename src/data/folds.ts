import { stream } from "../base/random.ts";
import type { Sample } from "./source.ts";
import { unitsOf } from "./split.ts";

/** At most `limit` of `indices`, classes as they are among all of them; a function of the seed and the ids alone. */
export function drawSome(
  samples: readonly Sample[],
  indices: readonly number[],
  { limit, seed }: { readonly limit: number; readonly seed: number },
): readonly number[] {
  if (indices.length <= limit) return indices;
  const folds = foldsOf(samples, indices, { count: Math.ceil(indices.length / limit), seed });
  return indices.filter((_, at) => folds[at] === 0).slice(0, limit);
}

/**
 * The fold, 0 to `count` − 1, in which each of `indices` is held out: stratified by class, whole groups together, a function of the seed and
 * the ids alone. −1 for images that are never held out: those of a class with a single image or group,
 * and of that group in other classes.
 */
export function foldsOf(
  samples: readonly Sample[],
  indices: readonly number[],
  { count, seed }: { readonly count: number; readonly seed: number },
): Int32Array {
  const folds = new Map<number, number>();
  const groups = new Map<string, number>();
  const held = new Array<number>(count).fill(0);
  const labels = [...new Set(indices.map((i) => samples[i]?.label ?? 0))].sort((a, b) => a - b);
  const unitsOfLabel = (label: number) =>
    unitsOf(
      samples,
      indices.filter((i) => samples[i]?.label === label),
    );
  const lonely = labels.map(unitsOfLabel).filter((units) => units.length < 2);
  for (const { name } of lonely.flat()) groups.set(name, -1);
  for (const label of labels) {
    const units = unitsOfLabel(label);
    const order = stream(seed, "folds", 0, label).permutation(units.length);
    // Large groups first, each where least is held, so that folds come out even.
    const shuffled = [...order].flatMap((at) => units[at] ?? []).sort((a, b) => b.members.length - a.members.length);
    const ofLabel = new Array<number>(count).fill(0);
    for (const { name, members } of shuffled) {
      const fold = groups.get(name) ?? emptiest(ofLabel, held);
      groups.set(name, fold);
      if (fold < 0) continue;
      ofLabel[fold] = (ofLabel[fold] ?? 0) + members.length;
      held[fold] = (held[fold] ?? 0) + members.length;
      for (const member of members) folds.set(member, fold);
    }
  }
  return Int32Array.from(indices, (i) => folds.get(i) ?? -1);
}

/** The fold with the fewest of the class, then the fewest of all. */
function emptiest(ofLabel: readonly number[], held: readonly number[]): number {
  let best = 0;
  for (const fold of ofLabel.keys()) {
    const [own = 0, least = 0] = [ofLabel[fold], ofLabel[best]];
    if (own < least || (own === least && (held[fold] ?? 0) < (held[best] ?? 0))) best = fold;
  }
  return best;
}
