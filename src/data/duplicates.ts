import type { Sample } from "./source.ts";

/** Files with the same content. */
export interface DuplicateGroup {
  readonly ids: readonly string[];
  /** They carry more than one label, in one target at least. */
  readonly conflicting: boolean;
  /** The source puts them in more than one split. */
  readonly leaking: boolean;
}

/** All groups of samples whose content keys are equal, in the order of their first member. */
export function findDuplicates(samples: readonly Sample[], keys: readonly string[]): readonly DuplicateGroup[] {
  return placesOfCopies(keys).map((places) => {
    const group = places.flatMap((place) => samples[place] ?? []);
    return {
      ids: group.map(({ id }) => id),
      conflicting: areConflicting(group),
      leaking: new Set(group.map(({ split }) => split)).size > 1,
    };
  });
}

/** The places of equal keys, in groups of two and more, in the order of their first member. */
export function placesOfCopies(keys: readonly string[]): readonly (readonly number[])[] {
  const byKey = new Map<string, number[]>();
  keys.forEach((key, place) => {
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [place]);
    else group.push(place);
  });
  return [...byKey.values()].filter((group) => group.length > 1);
}

function areConflicting(group: readonly Sample[]): boolean {
  const rows = group.map(({ label, targets }) => targets ?? [label]);
  const targets = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: targets }, (_, t) => new Set(rows.flatMap((row) => row[t] ?? []))).some(
    (values) => values.size > 1,
  );
}
