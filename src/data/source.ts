import type { Pixels } from "../platform/platform.ts";
import type { TargetColumn, TargetValue } from "./targetColumns.ts";

export const splitNames = ["train", "validation", "test"] as const;
export type SplitName = (typeof splitNames)[number];

/** One image of a data set, as its source lists it; nothing is decoded yet. */
export interface Sample {
  /** Unique and stable: the path relative to the data set's root with forward slashes, or `member#index` in packed formats. */
  readonly id: string;
  /** Index into `Source.labels`; −1 where a source of several targets does not know it. */
  readonly label: number;
  /** One entry for each of `Source.targets`. */
  readonly targets?: readonly TargetValue[];
  /** The part that the source itself assigns, if any. */
  readonly split?: SplitName;
  /** Samples of one group must not be torn apart by a split. */
  readonly group?: string;
}

export type RawImage =
  | { readonly kind: "encoded"; readonly bytes: Uint8Array }
  | { readonly kind: "pixels"; readonly pixels: Pixels };

/** A file that cannot take part, and why. */
export interface Problem {
  readonly id: string;
  readonly reason: string;
}

/** A labelled collection of images, wherever it lies. */
export interface Source {
  /** What was found, for people: `folder with 2 classes`, `MNIST IDX files`. */
  readonly description: string;
  /** Class names in index order; of the first target with classes, where there are several targets. */
  readonly labels: readonly string[];
  /** The columns that were asked for, where images have several labels. */
  readonly targets?: readonly TargetColumn[];
  readonly samples: readonly Sample[];
  /** The folder in which each sample is a file called by its id; nothing where images lie in archives. */
  readonly folder?: string;
  /** Files that were passed over while listing (not images by name, empty, unreadable). */
  readonly problems: readonly Problem[];
  /** The images of the samples with these ids, in the source's own order, one at a time: memory stays flat whatever the size. */
  read(ids: ReadonlySet<string>): AsyncIterable<{ readonly sample: Sample; readonly image: RawImage }>;
}
