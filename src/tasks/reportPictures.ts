import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { limitPixels } from "../data/imageTensor.ts";
import { contentKey } from "../data/preparedImages.ts";
import type { RawImage, Source } from "../data/source.ts";
import type { Pixels, Platform } from "../platform/platform.ts";
import type { JudgedImage } from "../report/answerTally.ts";
import type { Picture } from "../report/picture.ts";
import { shrunk } from "../report/shrunk.ts";
import type { MistakeExplainer } from "./mistakeExplainer.ts";
import type { TaskEvent } from "./task.ts";

const thumbnail = { side: 128, quality: 72 };
const large = { side: 288, quality: 78 };
/** Pictures in one page, and their bytes: with base64 the page stays below five megabytes. */
const mostThumbnails = 160;
const limitBytes = 2_600_000;

/** Which images a page is to show. */
export interface WantedPictures {
  /** Small, the most wanted first. */
  readonly small: readonly string[];
  /** Large, with an explanation of the answer. */
  readonly mistakes: readonly JudgedImage[];
}

export interface ReportPictures {
  readonly small: ReadonlyMap<string, Picture>;
  readonly large: ReadonlyMap<string, Picture>;
  /** Images that are not where they were, or not what they were, and why. */
  readonly missing: ReadonlyMap<string, string>;
  /** Small ones that were left out for want of room. */
  readonly leftOut: number;
}

interface Origin {
  readonly source: Source;
  /** Of each image's content when the run saw it, where that is known. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** Decodes what a page shows, each image once, and writes it small. */
export async function* reportPictures(
  wanted: WantedPictures,
  { source, hashes }: Origin,
  explainer: MistakeExplainer | undefined,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, ReportPictures> {
  const mistakes = new Map(wanted.mistakes.map((mistake) => [mistake.image, mistake]));
  const distinct = [...new Set(wanted.small)];
  const small = new Set(distinct.slice(0, mostThumbnails));
  const ids = new Set([...mistakes.keys(), ...small]);
  const found = { small: new Map<string, Picture>(), large: new Map<string, Picture>() };
  const missing = new Map<string, string>();
  const seen = new Set<string>();
  let bytes = 0;
  let skipped = 0;
  for await (const { sample, image } of source.read(ids)) {
    if (signal.aborted) throw new GraftError("interrupted", "stopped before the report was written.");
    const { id } = sample;
    seen.add(id);
    yield { type: "progress", phase: "images", done: seen.size, total: ids.size };
    const opened = await openedImage(image, hashes.get(id), platform);
    if (typeof opened === "string") {
      missing.set(id, opened);
      continue;
    }
    const mistake = mistakes.get(id);
    if (mistake !== undefined) {
      const shown = shrunk(opened, large.side);
      const explained = (await explainer?.beside(opened, shown, mistake.answer)) ?? shown;
      const picture = await jpegOf(explained, large.quality, platform);
      bytes += picture.bytes.length;
      found.large.set(id, picture);
    }
    if (!small.has(id)) continue;
    const picture = await jpegOf(shrunk(opened, thumbnail.side), thumbnail.quality, platform);
    if (bytes + picture.bytes.length > limitBytes) {
      skipped++;
      continue;
    }
    bytes += picture.bytes.length;
    found.small.set(id, picture);
  }
  for (const id of ids) if (!seen.has(id)) missing.set(id, "not there any more");
  for (const [id, reason] of missing) {
    const placeholder = { kind: "missing", reason } as const;
    if (mistakes.has(id)) found.large.set(id, placeholder);
    if (small.has(id)) found.small.set(id, placeholder);
  }
  return { ...found, missing, leftOut: skipped + distinct.length - small.size };
}

/** Its pixels, or why there are none. */
async function openedImage(image: RawImage, hash: string | undefined, platform: Platform): Promise<Pixels | string> {
  if (hash !== undefined && contentKey(image, platform) !== hash) return "changed since the run";
  try {
    return await decodeImage(image, platform, limitPixels);
  } catch (error) {
    if (error instanceof GraftError && error.code === "input") return error.message;
    throw error;
  }
}

async function jpegOf(pixels: Pixels, quality: number, { codec }: Platform) {
  const bytes = await codec.encodeJpeg(pixels, quality);
  return { kind: "picture", mediaType: "image/jpeg", bytes, width: pixels.width, height: pixels.height } as const;
}
