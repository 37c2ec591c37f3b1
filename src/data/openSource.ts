import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { openFolder, openPhotos } from "./folder.ts";
import { groupByPattern } from "./groups.ts";
import { isIdxFolder, openIdx } from "./idx.ts";
import { type ManifestOptions, openManifest } from "./manifest.ts";
import { openNpz } from "./npz.ts";
import type { Source } from "./source.ts";
import { openTar } from "./tar.ts";

/**
 * Opens whatever data set lies at `path`: a folder of class folders, MNIST's IDX files, a CSV manifest, .npz, .tar or .tar.gz.
 *
 * @param group a column of the manifest, or a regular expression on the ids
 * @param targets columns of a manifest in the place of its label; only a manifest has them
 * @throws `input` when nothing usable lies there, `data` when its structure does not fit; both say what was expected
 */
export async function openSource(
  path: string,
  platform: Platform,
  { group, targets }: ManifestOptions = {},
): Promise<Source> {
  const { store } = platform;
  const info = await store.info(path);
  if (info === undefined)
    throw new GraftError("input", `"${path}" does not exist. Give a folder of photos, one sub-folder for each class.`);
  if (/\.csv$/i.test(path) && info.kind === "file") {
    const source = await openManifest(path, store, { group, targets });
    return targets === undefined ? checked(source, path) : source;
  }
  if (targets !== undefined) {
    throw new GraftError(
      "data",
      `"${path}" is no CSV file: several labels an image come from the columns of one, such as path,${targets.map(({ name }) => name).join(",")}.`,
    );
  }
  const source = await openByKind(path, info.kind, platform);
  return checked(group === undefined ? source : groupByPattern(source, group), path);
}

/** The same for photos whose classes need not be known: a folder without sub-folders too, whose labels are −1, and any number of classes. */
export async function openUnlabelled(path: string, platform: Platform): Promise<Source> {
  const { store } = platform;
  const info = await store.info(path);
  const isPlain = info?.kind === "folder" && !isIdxFolder((await store.list(path)).map(({ name }) => name));
  return isPlain ? openPhotos(path, store) : openSource(path, platform);
}

async function openByKind(path: string, kind: "file" | "folder" | "other", platform: Platform): Promise<Source> {
  const { store } = platform;
  if (kind === "folder") {
    const names = (await store.list(path)).map(({ name }) => name);
    return isIdxFolder(names) ? openIdx(path, names, platform) : openFolder(path, store);
  }
  if (/\.npz$/i.test(path)) return openNpz(path, store);
  if (/\.(tar|tar\.gz|tgz)$/i.test(path)) return openTar(path, store);
  throw new GraftError(
    "input",
    `"${path}" is not a data set; expected a folder of class folders, a .csv manifest, .npz, .tar or .tar.gz.`,
  );
}

function checked(source: Source, path: string): Source {
  const { labels, samples } = source;
  if (labels.length >= 2) {
    const trainable = new Set(
      samples.filter(({ split }) => split === undefined || split === "train").map(({ label }) => label),
    );
    const missing = labels.filter((_, i) => !trainable.has(i));
    if (trainable.size > 0 && missing.length > 0) {
      throw new GraftError(
        "data",
        `"${path}": the class "${missing[0]}" has no image to train on (it appears only in validation or test).`,
      );
    }
    return source;
  }
  const found = labels.length === 0 ? "no class" : `only the class "${labels[0]}"`;
  throw new GraftError("data", `"${path}" has ${found}; a classifier needs two classes or more, one folder each.`);
}
