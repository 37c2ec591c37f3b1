import { GraftError } from "../base/errors.ts";
import type { ImageSurvey } from "../data/imageSurvey.ts";
import type { Source } from "../data/source.ts";
import { counted } from "../doctor/finding.ts";
import type { ImageFacts } from "../doctor/imageChecks.ts";
import type { LabelErrorCandidate } from "../metrics/confidentLearning.ts";
import type { Platform } from "../platform/platform.ts";

/** Pictures of less entropy, in bits, show nothing: one colour, or a message on it. Drawings have more. */
const nothingDetail = 1;

/** Where a manifest goes, and what stands before each image's id in it. */
export interface ManifestPlace {
  readonly path: string;
  readonly prefix: string;
}

/** What an audit found, as far as a manifest can tell it. */
export interface Audited {
  readonly survey: ImageSurvey;
  readonly facts: ImageFacts;
  /** The group of each image. */
  readonly groups: readonly (string | undefined)[];
  readonly labelErrors: readonly LabelErrorCandidate[] | undefined;
  readonly labels: readonly string[];
}

/**
 * Checks that a manifest at `path` can name the images of `source`. Throws `usage` where images lie in an archive, where the file is there already,
 * and where its folder does not hold the images.
 */
export async function manifestPlace(path: string, source: Source, { store }: Platform): Promise<ManifestPlace> {
  if (source.folder === undefined)
    throw new GraftError(
      "usage",
      "--fix: a manifest names files, and these images lie inside an archive. Unpack it first.",
    );
  if (!/\.csv$/i.test(path))
    throw new GraftError("usage", `--fix: "${path}" must end in .csv, by which train knows it.`);
  if ((await store.info(path)) !== undefined)
    throw new GraftError(
      "usage",
      `--fix: "${path}" exists, and audit overwrites nothing. Remove it or choose another name.`,
    );
  const around = partsOf(store.absolute(store.join(path, "..")));
  const images = partsOf(store.absolute(source.folder));
  if (around.some((part, i) => part !== images[i]))
    throw new GraftError(
      "usage",
      `--fix: "${path}" must lie in "${source.folder}" or a folder above it: the paths in a manifest begin at its own folder.`,
    );
  return {
    path,
    prefix: images
      .slice(around.length)
      .map((part) => `${part}/`)
      .join(""),
  };
}

/** The images that are worth training on, as `path,label[,split][,group][,suspect]`, and what was left out. */
export function cleanedManifest(audited: Audited, { prefix }: ManifestPlace) {
  const { survey, facts, groups, labelErrors = [], labels } = audited;
  const left = leftOut(audited);
  const likely = new Map(labelErrors.map((candidate) => [candidate.sample, labels[candidate.likely] ?? ""]));
  const empty = new Set(facts.empty);
  const columns = {
    path: survey.samples.map(({ id }) => `${prefix}${id}`),
    label: survey.samples.map(({ label }) => labels[label] ?? ""),
    split: survey.samples.map(({ split = "" }) => split),
    group: survey.samples.map(({ id }, i) => groups[i] ?? id),
    suspect: survey.samples.map((_, i) => likely.get(i) ?? (empty.has(i) ? "almost empty" : "")),
  };
  const hasGroups = groups.some((group) => group !== undefined);
  const names = (["path", "label", "split", "group", "suspect"] as const).filter(
    (name) => columns[name].some((cell) => cell !== "") && (name !== "group" || hasGroups),
  );
  const rows = survey.samples.flatMap((_, i) =>
    left.has(i) ? [] : [names.map((name) => quoted(columns[name][i] ?? ""))],
  );
  const csv = [names, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
  return { csv, account: told(rows.length, survey, left) };
}

type Reason = "a copy" | "filed under two classes" | "in training and measured on" | "empty";

/** Copies but for one, all copies whose class is in doubt, and pictures of nothing. */
function leftOut({ survey, facts }: Audited): ReadonlyMap<number, Reason> {
  const left = new Map<number, Reason>();
  for (const places of facts.copies) {
    const items = places.map((place) => ({
      place,
      label: survey.samples[place]?.label,
      part: facts.images[place]?.part,
    }));
    const isHeld = items.some(({ part }) => part !== "train");
    const isInDoubt = new Set(items.map(({ label }) => label)).size > 1;
    // What is measured on stays there: the figures are to be comparable.
    const keeper = items.find(({ part }) => part === "test") ?? items.find(({ part }) => part !== "train") ?? items[0];
    for (const { place, part } of items) {
      if (isInDoubt) left.set(place, "filed under two classes");
      else if (place !== keeper?.place)
        left.set(place, isHeld && part === "train" ? "in training and measured on" : "a copy");
    }
  }
  for (const [place, bits] of survey.prints.detail.entries()) if (bits < nothingDetail) left.set(place, "empty");
  return left;
}

function told(kept: number, { problems }: ImageSurvey, left: ReadonlyMap<number, Reason>): string {
  const counts = new Map<string, number>(problems.length > 0 ? [["unusable", problems.length]] : []);
  for (const reason of left.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`);
  return `--fix: ${counted(kept, "image")} kept${reasons.length === 0 ? ", none left out" : `; left out: ${reasons.join(", ")}`}`;
}

function partsOf(path: string): readonly string[] {
  return path.split(/[\\/]/).filter((part) => part !== "");
}

/** RFC 4180. */
function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
