import type { Sample } from "./source.ts";

/** Files with the same content. */
export interface DuplicateGroup {
  readonly ids: readonly string[];
  /** They carry more than one label. */
  readonly conflicting: boolean;
  /** The source puts them in more than one split. */
  readonly leaking: boolean;
}

/** All groups of samples whose content keys are equal, in the order of their first member. */
export function findDuplicates(samples: readonly Sample[], keys: readonly string[]): readonly DuplicateGroup[] {
  const byKey = new Map<string, Sample[]>();
  samples.forEach((sample, i) => {
    const key = keys[i] ?? "";
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [sample]);
    else group.push(sample);
  });
  return [...byKey.values()]
    .filter((group) => group.length > 1)
    .map((group) => ({
      ids: group.map(({ id }) => id),
      conflicting: new Set(group.map(({ label }) => label)).size > 1,
      leaking: new Set(group.map(({ split }) => split)).size > 1,
    }));
}
