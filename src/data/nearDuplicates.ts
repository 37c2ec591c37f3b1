import { DisjointSets } from "./disjointSets.ts";
import { bands, type Fingerprints } from "./fingerprints.ts";

/** Two images that look like one, by their places in the data set. */
export interface LookAlike {
  readonly first: number;
  readonly second: number;
  /** Bits of 64 in which their hashes differ. */
  readonly distance: number;
  /** Correlation of their thumbnails, −1 to 1. */
  readonly likeness: number;
}

export interface NearDuplicates {
  readonly pairs: readonly LookAlike[];
  /** Whether the search ended early because there are too many. */
  readonly isCut: boolean;
}

/** With four bands and one bit of doubt in each, no pair up to this distance is missed. */
const limitDistance = 2 * bands - 1;
const limitPairs = 100_000;
/** Copies that were cropped by a few pixels, recoloured or recompressed reach this correlation; other photos hardly ever do. */
const usualLikeness = 0.95;
/** Digits or X-rays look alike by nature: where this share of the images has a double, a double must be a closer one. */
const crowdedShare = 0.05;
const closeLikeness = 0.99;
/** A pair may differ by so much in brightness and contrast together, in levels. */
const limitDifference = 32;
/** Thumbnails of less contrast, in levels, are alike for want of anything on them. */
const leastContrast = 6;

/**
 * All pairs whose hashes differ in at most 7 of 64 bits and whose thumbnails correlate. Multi-index hashing (Norouzi, Punjani &
 * Fleet 2014): a near pair agrees up to one bit in one of four bands, so that each image meets those in 4·17 buckets, not all.
 */
export function findNearDuplicates(prints: Fingerprints): NearDuplicates {
  const { pairs, isCut } = collect(prints);
  const doubled = new Set(pairs.flatMap(({ first, second }) => [first, second]));
  if (doubled.size <= crowdedShare * prints.count) return { pairs, isCut };
  return { pairs: pairs.filter(({ likeness }) => likeness >= closeLikeness), isCut };
}

function collect(prints: Fingerprints): NearDuplicates {
  const pairs: LookAlike[] = [];
  for (const pair of lookAlikes(prints, usualLikeness)) {
    if (pairs.length >= limitPairs) return { pairs, isCut: true };
    pairs.push(pair);
  }
  return { pairs, isCut: false };
}

/** What looks alike, by common looks instead of pair by pair: as many as there may be. */
export interface NearDuplicateGroups {
  /** Places of images that are linked by near copies, two and more. */
  readonly groups: readonly (readonly number[])[];
  /** The pairs that were to be kept. */
  readonly kept: readonly LookAlike[];
}

/**
 * The same search, in groups: `counts` says which pairs link two images, `keeps` which of those are wanted one by one.
 * Ten frames of one scene are one group, not 45 pairs, so that no limit bites where all images are frames.
 */
export function groupNearDuplicates(
  prints: Fingerprints,
  counts: (pair: LookAlike) => boolean,
  keeps: (pair: LookAlike) => boolean,
): NearDuplicateGroups {
  const usual = linked(prints, usualLikeness, counts, keeps);
  const doubled = usual.groups.reduce((sum, group) => sum + group.length, 0);
  return doubled <= crowdedShare * prints.count ? usual : linked(prints, closeLikeness, counts, keeps);
}

function linked(
  prints: Fingerprints,
  leastLikeness: number,
  counts: (pair: LookAlike) => boolean,
  keeps: (pair: LookAlike) => boolean,
): NearDuplicateGroups {
  const kept: LookAlike[] = [];
  const sets = new DisjointSets(prints.count);
  for (const pair of lookAlikes(prints, leastLikeness)) {
    if (!counts(pair)) continue;
    sets.join(pair.first, pair.second);
    if (kept.length < limitPairs && keeps(pair)) kept.push(pair);
  }
  return { groups: sets.groups(), kept };
}

/** All pairs within the limits, once each. */
function* lookAlikes(prints: Fingerprints, leastLikeness: number): Generator<LookAlike> {
  const tables = Array.from({ length: bands }, (_, band) => new Buckets(prints, band));
  for (let first = 0; first < prints.count; first++) {
    if ((prints.contrast[first] ?? 0) < leastContrast) continue;
    for (const [band, table] of tables.entries()) {
      for (const second of table.near(first)) {
        if (second <= first || firstNearBand(prints, first, second) !== band) continue;
        const distance = prints.distance(first, second);
        if (distance > limitDistance || (prints.contrast[second] ?? 0) < leastContrast) continue;
        const likeness = prints.likeness(first, second);
        if (likeness < leastLikeness || prints.difference(first, second) > limitDifference) continue;
        yield { first, second, distance, likeness };
      }
    }
  }
}

/** The band by which a pair is found first: it may be found by several. */
function firstNearBand(prints: Fingerprints, first: number, second: number): number {
  let band = 0;
  while (band < bands && prints.bandDistance(first, second, band) > 1) band++;
  return band;
}

/** Images by the value of one band of their hash. */
class Buckets {
  readonly #prints: Fingerprints;
  readonly #band: number;
  readonly #starts = new Uint32Array((1 << 16) + 1);
  readonly #members: Uint32Array;

  constructor(prints: Fingerprints, band: number) {
    this.#prints = prints;
    this.#band = band;
    this.#members = new Uint32Array(prints.count);
    for (let i = 0; i < prints.count; i++) this.#count(this.#valueOf(i) + 1);
    for (let value = 1; value < this.#starts.length; value++) this.#count(value, this.#starts[value - 1]);
    const next = this.#starts.slice();
    for (let i = 0; i < prints.count; i++) {
      const value = this.#valueOf(i);
      const place = next[value] ?? 0;
      this.#members[place] = i;
      next[value] = place + 1;
    }
  }

  /** The images whose band equals that of image `i` up to one bit. */
  *near(i: number): Generator<number> {
    const value = this.#valueOf(i);
    for (let bit = -1; bit < 16; bit++) {
      const bucket = bit < 0 ? value : value ^ (1 << bit);
      const end = this.#starts[bucket + 1] ?? 0;
      for (let at = this.#starts[bucket] ?? 0; at < end; at++) yield this.#members[at] ?? 0;
    }
  }

  #count(value: number, by = 1): void {
    this.#starts[value] = (this.#starts[value] ?? 0) + by;
  }

  #valueOf(i: number): number {
    return this.#prints.hashes[bands * i + this.#band] ?? 0;
  }
}
