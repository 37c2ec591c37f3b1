import type { Sample, Source } from "./source.ts";
import { unitsOf } from "./split.ts";

/** What a split divides alike: the samples with the number of their stratum as label, and the names of the strata. */
export interface Strata {
  readonly samples: readonly Sample[];
  readonly labels: readonly string[];
  /** What they differ in. */
  readonly by: string;
}

const quarters = 4;
/** Fewer images or groups cannot lie on both sides of a split. */
const fewestUnits = 2;

/**
 * The classes; of several targets those of the first one with classes, with the images that lack it as one more stratum; where all targets are
 * numbers, the quarters of the first one. What is too small to be divided joins the largest, but for a class.
 */
export function strataOf(samples: readonly Sample[], { labels, targets }: Pick<Source, "labels" | "targets">): Strata {
  if (targets === undefined) return { samples, labels, by: "class" };
  const column = Math.max(
    0,
    targets.findIndex(({ kind }) => kind === "classes"),
  );
  const { name, kind } = targets[column] ?? { name: "label", kind: "number" };
  const numbered = kind === "number" ? quartersOf(samples, column) : samples.map(({ label }) => label);
  const known = kind === "number" ? quarterNames(name) : labels;
  const strata = numbered.map((stratum) => (stratum < 0 ? known.length : stratum));
  return withoutSmall(samples, strata, [...known, `no ${name}`], kind === "classes" ? known.length : 0, name);
}

/** The quarter of each number among all, equal numbers together; −1 without one. */
function quartersOf(samples: readonly Sample[], column: number): readonly number[] {
  const numbers = samples.map(({ targets }) => targets?.[column]);
  const sorted = numbers.filter((value) => value !== undefined).sort((a, b) => a - b);
  const bounds = Array.from(
    { length: quarters - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / quarters)],
  );
  return numbers.map((value) =>
    value === undefined ? -1 : bounds.filter((bound) => bound !== undefined && value >= bound).length,
  );
}

function quarterNames(name: string): readonly string[] {
  return Array.from({ length: quarters }, (_, i) => `quarter ${i + 1} of ${name}`);
}

/** The first `kept` strata stay as they are; of the others those that are too small join the largest. Empty ones go. */
function withoutSmall(
  samples: readonly Sample[],
  strata: readonly number[],
  names: readonly string[],
  kept: number,
  by: string,
): Strata {
  const divided = samples.flatMap(({ split = "train" }, i) => (split === "train" ? [i] : []));
  const sizes = names.map(
    (_, stratum) =>
      unitsOf(
        samples,
        divided.filter((i) => strata[i] === stratum),
      ).length,
  );
  const largest = sizes.indexOf(Math.max(...sizes));
  const goes = (stratum: number) => stratum >= kept && (sizes[stratum] ?? 0) < fewestUnits && stratum !== largest;
  const left = names.flatMap((name, stratum) => (goes(stratum) ? [] : [{ name, stratum }]));
  const place = new Map(left.map(({ stratum }, i) => [stratum, i]));
  const labelOf = (stratum: number) => place.get(goes(stratum) ? largest : stratum) ?? 0;
  return {
    samples: samples.map((sample, i) => ({ ...sample, label: labelOf(strata[i] ?? 0) })),
    labels: left.map(({ name }) => name),
    by,
  };
}
