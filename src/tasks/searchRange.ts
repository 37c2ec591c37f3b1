import type { Stream } from "../base/random.ts";

/** A value that an option of `train` may take. */
export type OptionValue = string | number;

/** What an option is drawn from: some values, or all between two, evenly or evenly in the logarithm. */
export type Range =
  | { readonly kind: "choices"; readonly values: readonly OptionValue[] }
  | { readonly kind: "linear" | "log"; readonly low: number; readonly high: number; readonly isWhole: boolean };

/** Enough for a range of settings, and short to read. */
const digits = 3;

export function choices(...values: readonly OptionValue[]): Range {
  return { kind: "choices", values };
}

/** Evenly in the logarithm. */
export function logRange(low: number, high: number): Range {
  return { kind: "log", low, high, isWhole: false };
}

/** One value, by one random number; numbers are rounded to three digits, or to whole ones. */
export function drawFrom(range: Range, random: Stream): OptionValue {
  if (range.kind === "choices") return range.values[random.below(range.values.length)] ?? 0;
  const { low, high, isWhole } = range;
  // Each whole number is as likely as its neighbours, the ends too.
  const [from, to] = isWhole && range.kind === "linear" ? [low - 0.5, high + 0.5] : [low, high];
  const drawn =
    range.kind === "linear" ? random.uniform(from, to) : Math.exp(random.uniform(Math.log(from), Math.log(to)));
  const rounded = isWhole ? Math.round(drawn) : Number(drawn.toPrecision(digits));
  return Math.min(high, Math.max(low, rounded));
}

/** As it is written on the command line: `a|b`, or `low..high`. */
export function shownRange(range: Range): string {
  return range.kind === "choices" ? range.values.join("|") : `${range.low}..${range.high}`;
}
