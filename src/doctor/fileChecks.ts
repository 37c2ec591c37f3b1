import type { ImageFile } from "../data/imageSurvey.ts";
import type { LabelErrorCandidate } from "../metrics/confidentLearning.ts";
import { type Check, counted, defineCheck, listed, percent } from "./finding.ts";
import type { Item, TrackFacts } from "./imageChecks.ts";
import type { Shortcut } from "./shortcuts.ts";

/** What an audit knows of a data set beside what a training would see of it. */
export interface FileFacts {
  readonly images: readonly Item[];
  /** One an image. */
  readonly files: readonly ImageFile[];
  /** Standard deviation of each image's 16×16 gray thumbnail, in levels. */
  readonly contrast: ArrayLike<number>;
  /** Places of images linked by near copies. */
  readonly nearGroups: readonly (readonly number[])[];
  /** Names that tell which images were taken together, and the pictures agree. */
  readonly tracks: TrackFacts | undefined;
  /** Nothing where no backbone was given. */
  readonly labelErrors: readonly LabelErrorCandidate[] | undefined;
  readonly labels: readonly string[];
  readonly shortcuts: readonly Shortcut[];
}

/** Images whose longer side stays below a quarter of the usual are thumbnails among photos; below 8 pixels nothing can be seen at all. */
const tinyShare = 0.25;
const leastSide = 8;
/** Where the shape is this many times longer or flatter than usual, cropping to a square shows another picture. */
const oddAspect = 2.5;
/** One gray, up to the noise of compression. */
const blankContrast = 1;
/** A format is odd where so few files have it. */
const rareShare = 0.02;

const extensions: Readonly<Record<string, RegExp>> = {
  jpeg: /\.(jpe?g|jpe)$/i,
  png: /\.png$/i,
  gif: /\.gif$/i,
  webp: /\.webp$/i,
  tiff: /\.tiff?$/i,
  avif: /\.avif$/i,
  pnm: /\.(ppm|pgm|pnm)$/i,
};

/** Names that lie about what is inside. */
const wrongExtension = defineCheck("wrong-extension", {
  find: ({ images, files }: FileFacts) =>
    some(
      files.flatMap(({ format }, i) => {
        const id = images[i]?.id ?? "";
        // Members of archives may have no ending at all.
        const isWrong = format !== undefined && /\.[a-z]+$/i.test(id) && extensions[format]?.test(id) === false;
        return isWrong ? [{ id, is: format }] : [];
      }),
    ),
  severity: "hint",
  found: ({ found }) =>
    `${counted(found.length, "file is", "files are")} not what the name says: ${listed(found.map(({ id, is }) => `"${id}" (${is})`))}`,
  why: "Graft reads them by their content; other programs stumble, and such files often come from another source.",
  advice: "rename them",
});

/** The one placeholder among photos. */
const rareFormat = defineCheck("rare-format", {
  find({ images, files }: FileFacts) {
    const counts = new Map<string, number>();
    for (const { format = "pixels" } of files) counts.set(format, (counts.get(format) ?? 0) + 1);
    return some(
      files.flatMap(({ format = "pixels" }, i) =>
        (counts.get(format) ?? 0) < rareShare * files.length ? [{ id: images[i]?.id ?? "", is: format }] : [],
      ),
    );
  },
  severity: "hint",
  found: ({ found }) =>
    `${counted(found.length, "file has", "files have")} a format that hardly any other has: ${listed(found.map(({ id, is }) => `"${id}" (${is})`))}`,
  why: "What differs in format often differs in origin: placeholders, drawings, screenshots.",
  advice: "look at them",
});

/** Too small to show anything. */
const tinyImages = defineCheck("tiny-images", {
  find({ images, files }: FileFacts) {
    const longer = files.map(({ width, height }) => Math.max(width, height));
    const limit = Math.max(leastSide, tinyShare * median(longer));
    return some(
      files.flatMap(({ width, height }, i) =>
        (longer[i] ?? 0) < limit ? [{ id: images[i]?.id ?? "", is: `${width}×${height}` }] : [],
      ),
    );
  },
  severity: "warning",
  found: ({ found }) =>
    `${counted(found.length, "image is", "images are")} tiny beside the others: ${listed(found.map(({ id, is }) => `"${id}" (${is})`))}`,
  why: "Enlarged, they are blurs, and blur may stand for their class.",
  advice: "replace them by larger ones or remove them",
});

/** Panoramas and strips. */
const oddShapes = defineCheck("odd-aspect", {
  find({ images, files }: FileFacts) {
    const aspects = files.map(({ width, height }) => width / height);
    const usual = median(aspects);
    return some(
      files.flatMap(({ width, height }, i) => {
        const ratio = (aspects[i] ?? usual) / usual;
        const isOdd = Math.max(ratio, 1 / ratio) > oddAspect;
        return isOdd ? [{ id: images[i]?.id ?? "", is: `${width}×${height}` }] : [];
      }),
    );
  },
  severity: "hint",
  found: ({ found }) =>
    `${counted(found.length, "image has", "images have")} an unusual shape: ${listed(found.map(({ id, is }) => `"${id}" (${is})`))}`,
  why: "Cut to a square, they may no longer show what they are filed under.",
  advice: "crop them to what matters",
});

/** One colour and nothing else. */
const blankImages = defineCheck("blank-images", {
  find: ({ images, contrast }: FileFacts) =>
    some(images.flatMap(({ id }, i) => ((contrast[i] ?? 0) < blankContrast ? [{ id }] : []))),
  severity: "warning",
  found: ({ found }) =>
    `${counted(found.length, "image is", "images are")} blank: ${listed(found.map(({ id }) => `"${id}"`))}`,
  why: "There is nothing to learn from but that their class may be empty.",
  advice: "remove them",
});

/** Scenes that were taken more than once. */
const nearCopies = defineCheck("near-copies", {
  find({ images, nearGroups }: FileFacts) {
    if (nearGroups.length === 0) return undefined;
    const groups = nearGroups.map((places) => places.map((place) => images[place]?.id ?? ""));
    const inGroups = groups.reduce((sum, { length }) => sum + length, 0);
    const largest = Math.max(...groups.map(({ length }) => length));
    return { groups, images: inGroups, share: inGroups / images.length, largest };
  },
  severity: "hint",
  found: ({ groups, images, share, largest }) =>
    `${counted(images, "image")} (${percent(share)}) form ${counted(groups.length, "group")} of near-copies, the largest of ${largest}: ${listed(
      groups.map((ids) =>
        listed(
          ids.map((id) => `"${id}"`),
          2,
        ).replaceAll('", "', '" ≈ "'),
      ),
    )}`,
  why: "Frames and variants of one scene tell little more than one of them, and leak when a split tears them apart.",
  advice: "keep each group on one side of a split: --fix writes a manifest with a column group, which train obeys",
});

/** Frames of films, whose names say so and whose pictures agree. */
const tracks = defineCheck("tracks", {
  find({ images, tracks: found }: FileFacts) {
    if (found === undefined) return undefined;
    const { pattern, count, agreement, chance, of } = found;
    return { pattern, count, images: images.length, agreement, chance, example: of[0] ?? "" };
  },
  severity: "warning",
  found: ({ count, images, agreement, chance, example }) =>
    `${counted(images, "image")} form ${count} groups of near-copies by their names, such as "${example}…": ${percent(agreement)} of those looked at ` +
    `resemble one of their own group more than any other of their class (${percent(chance)} by chance)`,
  why: "Frames of one track are near-copies: torn apart by a split, they let figures tell how well a model remembers.",
  advice: ({ pattern }) => `keep tracks whole: --group '${pattern}', or the manifest that --fix writes`,
});

/** Images whose neighbours in the features have another label. */
const labelErrors = defineCheck("label-errors", {
  find({ images, labelErrors: candidates = [], labels }: FileFacts) {
    if (candidates.length === 0) return undefined;
    return {
      share: candidates.length / images.length,
      candidates: candidates.map(({ sample, given, likely, margin, isConfident }) => ({
        id: images[sample]?.id ?? "",
        label: labels[given] ?? "",
        likely: labels[likely] ?? "",
        margin,
        isConfident,
      })),
    };
  },
  severity: "warning",
  found: ({ candidates, share }) =>
    `${counted(candidates.length, "label")} (${percent(share)}) that a model which never saw the image contradicts, the most suspect first: ${listed(
      candidates.map(({ id, likely }) => `"${id}" (${likely}?)`),
      5,
    )}`,
  why: "A wrong label teaches the wrong thing and makes right answers count as errors; some of these are merely hard.",
  advice: "look at them from the top until they are right; --out lists all, --fix marks them in a column suspect",
});

/** Something beside the subject that gives the class away. */
const shortcut = defineCheck("shortcut", {
  find: ({ shortcuts }: FileFacts) =>
    shortcuts.length === 0 ? undefined : { shortcuts: shortcuts.map((one) => ({ ...one })) },
  severity: "warning",
  found: ({ shortcuts }) =>
    shortcuts
      .map(
        ({ by, accuracy, majority, example }) =>
          `the ${by} alone tells the class of ${percent(accuracy)} of the images, where the most frequent class has ${percent(majority)} (such as ${example})`,
      )
      .join("; "),
  why: "A network may learn that instead of the subject, score well here and fail on photos from elsewhere.",
  advice:
    "take photos of all classes in the same way and bring them to one size and format; judge on photos of another origin",
});

export const fileChecks: readonly Check<FileFacts>[] = [
  labelErrors,
  shortcut,
  tracks,
  blankImages,
  tinyImages,
  nearCopies,
  wrongExtension,
  rareFormat,
  oddShapes,
];

function some<T extends { readonly id: string; readonly is?: string }>(found: readonly T[]) {
  return found.length === 0 ? undefined : { found: found.map((one) => ({ ...one })) };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
