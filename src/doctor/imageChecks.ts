import type { Problem } from "../data/source.ts";
import { type Check, counted, defineCheck, listed, percent } from "./finding.ts";

/** Where an image is used. */
export type Part = "train" | "validation" | "test";

/** An image as findings speak of it. */
export interface Item {
  readonly id: string;
  readonly label: string;
  readonly part: Part;
}

/** What the pictures of a data set show. */
export interface ImageFacts {
  readonly images: readonly Item[];
  readonly problems: readonly Problem[];
  /** Places of images with the same content. */
  readonly copies: readonly (readonly number[])[];
  /** Pairs that look like one image without being one, by their places. */
  readonly lookAlikes: readonly (readonly [number, number])[];
  /** Names that tell which images were taken together, and the pictures agree. */
  readonly tracks: TrackFacts | undefined;
  /** Places of images with almost nothing on them, where the others are photos. */
  readonly empty: readonly number[];
}

export interface TrackFacts {
  readonly pattern: string;
  readonly count: number;
  readonly agreement: number;
  readonly chance: number;
  /** The track of each image. */
  readonly of: readonly string[];
}

/** Near-copies across parts are serious when they are more than this share of the images that are measured on. */
const seriousShare = 0.01;

/** One image under two labels. */
const conflictingLabels = defineCheck("conflicting-labels", {
  find: ({ images, copies }: ImageFacts) =>
    some(
      copies
        .map((places) => itemsAt(images, places))
        .filter((items) => differ(items, ({ label }) => label))
        .map((items) => items.map(({ id }) => id)),
    ),
  severity: "serious",
  found: ({ groups }) =>
    `${counted(groups.length, "image is", "images are")} filed under two classes: ${equal(groups)}`,
  why: "The network is told both, and whatever it answers, one of the two counts as an error.",
  advice: "keep each under its right class and delete the other copy; --strict refuses such data",
});

/** One image in two parts. */
const copiesAcrossParts = defineCheck("copies-across-parts", {
  find: ({ images, copies }: ImageFacts) =>
    some(
      copies
        .map((places) => itemsAt(images, places))
        .filter((items) => differ(items, ({ part }) => part))
        .map((items) => items.map(named)),
    ),
  severity: "serious",
  found: ({ groups }) =>
    `${counted(groups.length, "image lies", "images lie")} in two parts of the split: ${equal(groups)}`,
  why: "What was trained on is measured on: figures flatter.",
  advice: "delete one copy of each, the one to train on",
});

/** The same scene in two parts. */
const lookAlikesAcrossParts = defineCheck("near-copies-across-parts", {
  find({ images, lookAlikes }: ImageFacts) {
    const torn = pairsOf(images, lookAlikes).filter((pair) => differ(pair, ({ part }) => part));
    if (torn.length === 0) return undefined;
    const held = images.filter(({ part }) => part !== "train").length;
    const touched = new Set(torn.flatMap((pair) => pair.filter(({ part }) => part !== "train").map(({ id }) => id)));
    return {
      pairs: torn.map((pair) => pair.map(named)),
      images: touched.size,
      share: touched.size / Math.max(1, held),
    };
  },
  severity: ({ share }) => (share > seriousShare ? "serious" : "warning"),
  found: ({ pairs, images, share }) =>
    `${counted(pairs.length, "pair")} of near-copies across parts, ${counted(images, "image")} or ${percent(share)} of those measured on: ${alike(pairs)}`,
  why: "A network that remembers the one knows the other: figures flatter.",
  advice: "look at the pairs; delete one of each, or keep what belongs together on one side with --group",
});

/** The same scene under two labels. */
const lookAlikesOfTwoClasses = defineCheck("near-copies-of-two-classes", {
  find({ images, lookAlikes }: ImageFacts) {
    const pairs = pairsOf(images, lookAlikes).filter((pair) => differ(pair, ({ label }) => label));
    return pairs.length === 0 ? undefined : { pairs: pairs.map((pair) => pair.map(({ id }) => id)) };
  },
  severity: "warning",
  found: ({ pairs }) => `${counted(pairs.length, "pair")} of near-copies with two labels: ${alike(pairs)}`,
  why: "One of the two labels is probably wrong.",
  advice: "look at the pairs and file each under its right class",
});

/** Frames of one track on both sides. */
const tornTracks = defineCheck("torn-tracks", {
  find({ images, tracks }: ImageFacts) {
    if (tracks === undefined) return undefined;
    const trained = new Set(tracks.of.filter((_, i) => images[i]?.part === "train"));
    const held = tracks.of.filter((_, i) => images[i]?.part !== "train");
    const leaking = held.filter((track) => trained.has(track)).length;
    const { pattern, count, agreement, chance } = tracks;
    return leaking === 0 ? undefined : { pattern, count, agreement, chance, leaking, held: held.length };
  },
  severity: "serious",
  found: ({ count, leaking, held, agreement, chance }) =>
    `names speak of ${count} tracks, and ${percent(agreement)} of the images looked at resemble one of their own track most ` +
    `(${percent(chance)} by chance); ${leaking} of ${held} images measured on have others of their track in training`,
  why: "Frames of one track are near-copies: figures tell how well it remembers, not how well it recognises.",
  advice: ({ pattern }) => `keep tracks whole: --group '${pattern}'`,
});

/** Files that are left out. */
const unusableFiles = defineCheck("unusable-files", {
  find: ({ problems }: ImageFacts) =>
    problems.length === 0 ? undefined : { files: problems.map(({ id, reason }) => ({ id, reason })) },
  severity: "warning",
  found: ({ files }) =>
    `${counted(files.length, "file")} left out: ${listed(files.map(({ id, reason }) => `"${id}" (${reason})`))}`,
  why: "They are counted on and not there.",
  advice: "repair or remove them; --strict stops at the first",
});

/** "Image not found", and the like. */
const emptyImages = defineCheck("empty-images", {
  find: ({ images, empty }: ImageFacts) =>
    empty.length === 0 ? undefined : { ids: itemsAt(images, empty).map(({ id }) => id) },
  severity: "warning",
  found: ({ ids }) =>
    `${counted(ids.length, "image has", "images have")} almost nothing on it where the others are photos: ${listed(ids.map(quoted))}`,
  why: "Placeholders such as “image not found” teach that their class is an empty picture.",
  advice: "look at them and remove what is no photo",
});

/** Copies that only cost time. */
const harmlessCopies = defineCheck("copies", {
  find: ({ images, copies }: ImageFacts) =>
    some(
      copies
        .map((places) => itemsAt(images, places))
        .filter((items) => !differ(items, ({ label }) => label) && !differ(items, ({ part }) => part))
        .map((items) => items.map(({ id }) => id)),
    ),
  severity: "hint",
  found: ({ groups }) => `${counted(groups.length, "image is", "images are")} there more than once: ${equal(groups)}`,
  why: "Copies count twice.",
  advice: "delete the copies, unless they are meant to count more",
});

export const imageChecks: readonly Check<ImageFacts>[] = [
  conflictingLabels,
  copiesAcrossParts,
  tornTracks,
  lookAlikesAcrossParts,
  lookAlikesOfTwoClasses,
  unusableFiles,
  emptyImages,
  harmlessCopies,
];

function itemsAt(images: readonly Item[], places: readonly number[]): readonly Item[] {
  return places.flatMap((place) => images[place] ?? []);
}

function pairsOf(images: readonly Item[], pairs: readonly (readonly [number, number])[]): readonly (readonly Item[])[] {
  return pairs.map((pair) => itemsAt(images, pair));
}

function differ(items: readonly Item[], by: (item: Item) => string): boolean {
  return new Set(items.map(by)).size > 1;
}

function some(groups: readonly (readonly string[])[]) {
  return groups.length === 0 ? undefined : { groups };
}

/** Paths that begin with their part say it already. */
function named({ id, part }: Item): string {
  return /^(train|val|test)/i.test(id) ? id : `${id} (${part})`;
}

function quoted(id: string): string {
  return `"${id}"`;
}

function equal(groups: readonly (readonly string[])[]): string {
  return listed(groups.map((ids) => ids.map(quoted).join(" = ")));
}

function alike(pairs: readonly (readonly string[])[]): string {
  return listed(pairs.map((ids) => ids.map(quoted).join(" ≈ ")));
}
