import { stream } from "../base/random.ts";
import { type HeadName, headNames } from "../transfer/strategy.ts";
import { drawFrom } from "./searchRange.ts";
import { type Circumstances, dimensionOf, type SearchedOption, type Space, type TrialValues } from "./searchSpace.ts";

/** One setting of the searched options. */
export interface Trial {
  /** From 1. */
  readonly number: number;
  /** Nothing in the first: it is what training does without a search. */
  readonly values: TrialValues;
}

/** After so many draws in a row that were there before, the space counts as exhausted. */
const attempts = 200;

/**
 * Trials in the order in which they are made: the settings as they were, then random ones, none of them twice.
 * Trial n depends on the seed, the space and the trials before it alone: fewer trials are a beginning of more.
 */
export function drawTrials(
  space: Space,
  circumstances: Circumstances,
  { count, seed }: { readonly count: number; readonly seed: number },
): readonly Trial[] {
  const trials: Trial[] = [{ number: 1, values: {} }];
  const known = new Set<string>();
  for (let number = 2; number <= count; number++) {
    const values = freshValues(space, circumstances, known, (attempt) => stream(seed, "search", number, attempt));
    if (values === undefined) break;
    trials.push({ number, values });
  }
  return trials;
}

function freshValues(
  space: Space,
  circumstances: Circumstances,
  known: Set<string>,
  randomOf: (attempt: number) => ReturnType<typeof stream>,
): TrialValues | undefined {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const values = drawValues(space, circumstances, randomOf(attempt));
    const key = JSON.stringify(values);
    if (known.has(key)) continue;
    known.add(key);
    return values;
  }
  return undefined;
}

function drawValues(space: Space, circumstances: Circumstances, random: ReturnType<typeof stream>): TrialValues {
  const values: Partial<Record<SearchedOption, string | number>> = {};
  for (const [name, range] of space) {
    if (dimensionOf(name).applies(circumstancesOf(values, circumstances))) values[name] = drawFrom(range, random);
  }
  return values;
}

/** What a trial's values make of the circumstances. */
export function circumstancesOf({ head }: TrialValues, given: Circumstances): Circumstances {
  return { ...given, head: headNames.find((name: HeadName) => name === head) ?? given.head };
}
