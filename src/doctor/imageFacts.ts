import { placesOfCopies } from "../data/duplicates.ts";
import type { Fingerprints } from "../data/fingerprints.ts";
import type { LookAlike } from "../data/nearDuplicates.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Split } from "../data/split.ts";
import { findTracks } from "../data/tracks.ts";
import type { ImageFacts, Part } from "./imageChecks.ts";
import type { LabelFacts } from "./labelChecks.ts";

/** Bits of entropy that a set of photos exceeds by half at least, … */
const photoDetail = 6;
/** … and that a message on a plain ground stays below. */
const emptyDetail = 2.5;

/** Two speed limits look alike and are none: under two labels only a closer copy counts. */
const closeLikeness = 0.98;

interface Divided {
  readonly images: Pick<PreparedImages, "samples" | "keys" | "problems">;
  readonly labels: readonly string[];
  readonly split: Split;
}

/** What the prepared images of a split data set show. */
export function imageFactsOf(
  { images, labels, split }: Divided,
  prints: Fingerprints,
  lookAlikes: readonly LookAlike[],
): ImageFacts {
  const parts = partsOf(split);
  const { samples, keys, problems } = images;
  return {
    images: samples.map(({ id, label }, i) => ({ id, label: labels[label] ?? "", part: parts.get(i) ?? "train" })),
    problems,
    copies: placesOfCopies(keys),
    lookAlikes: lookAlikes
      .filter((pair) => isNearCopy(images, pair))
      .map(({ first, second }) => [first, second] as const),
    tracks: findTracks(samples, prints, labels.length),
    empty: emptyOf(prints),
  };
}

/** Whether two images that look alike are believed to be copies of one scene, without being the same file. */
export function isNearCopy({ samples, keys }: Divided["images"], { first, second, likeness }: LookAlike): boolean {
  const isOneClass = samples[first]?.label === samples[second]?.label;
  return keys[first] !== keys[second] && (isOneClass || likeness >= closeLikeness);
}

/** How the classes are spread over the parts. */
export function labelFactsOf({ images, labels, split }: Divided, isWeighted: boolean): LabelFacts {
  const count = (indices: readonly number[]) =>
    countClasses(
      indices.map((i) => images.samples[i]?.label ?? 0),
      labels.length,
    );
  return { labels, train: count(split.train), validation: count(split.validation), isWeighted };
}

/** How often each class occurs. */
export function countClasses(labels: Iterable<number>, classes: number): readonly number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

function partsOf({ train, validation, test }: Split): ReadonlyMap<number, Part> {
  const of = (indices: readonly number[], part: Part) => indices.map((i): [number, Part] => [i, part]);
  return new Map([...of(train, "train"), ...of(validation, "validation"), ...of(test, "test")]);
}

function emptyOf({ detail }: Fingerprints): readonly number[] {
  const median = [...detail].sort((a, b) => a - b)[detail.length >> 1] ?? 0;
  if (median < photoDetail) return [];
  return [...detail].flatMap((bits, i) => (bits < emptyDetail ? [i] : []));
}
