import { GraftError, messageOf } from "../base/errors.ts";
import type { Pixels, Platform } from "../platform/platform.ts";
import { decodeImage } from "./decodeImage.ts";
import { Fingerprints } from "./fingerprints.ts";
import { formatOf, type ImageFormat } from "./imageFormat.ts";
import { limitPixels } from "./imageTensor.ts";
import { contentKey, type PrepareProgress } from "./preparedImages.ts";
import type { Problem, RawImage, Sample, Source } from "./source.ts";

/** What a file is, before anything is made of it. */
export interface ImageFile {
  /** By its content; nothing where an archive holds plain pixels. */
  readonly format: ImageFormat | undefined;
  readonly width: number;
  readonly height: number;
  /** Mean red, green and blue of the outermost pixels, 0 to 255. */
  readonly border: readonly [red: number, green: number, blue: number];
  /** Their standard deviation about it, over all channels, in levels. */
  readonly borderDeviation: number;
}

/** All images of a source as they lie, each decoded once; nothing is kept but their measures. */
export interface ImageSurvey {
  /** Samples that decoded, in the source's order. */
  readonly samples: readonly Sample[];
  readonly keys: readonly string[];
  readonly files: readonly ImageFile[];
  readonly prints: Fingerprints;
  readonly problems: readonly Problem[];
}

type Outcome =
  | { readonly key: string; readonly file: ImageFile; readonly pixels: Pixels }
  | { readonly reason: string };

/** Looks at every image of `source` at its full size. Images that cannot be decoded are listed with their reason. */
export async function* surveyImages(
  source: Source,
  platform: Platform,
  signal: AbortSignal | undefined,
): AsyncGenerator<PrepareProgress, ImageSurvey> {
  const total = source.samples.length;
  const survey = new Survey(total);
  const inFlight: { readonly sample: Sample; readonly outcome: Promise<Outcome> }[] = [];
  yield { done: 0, total };
  for await (const { sample, image } of source.read(new Set(source.samples.map(({ id }) => id)))) {
    if (signal?.aborted) throw new GraftError("interrupted", "stopped while images were being looked at.");
    const outcome = look(image, platform);
    outcome.catch(() => {}); // Met when its turn comes.
    inFlight.push({ sample, outcome });
    const oldest = inFlight.length > platform.parallelism ? inFlight.shift() : undefined;
    if (oldest === undefined) continue;
    survey.take(oldest.sample, await oldest.outcome);
    yield { done: survey.looked, total };
  }
  for (const { sample, outcome } of inFlight) survey.take(sample, await outcome);
  yield { done: survey.looked, total };
  return survey.result(source.problems);
}

async function look(image: RawImage, platform: Platform): Promise<Outcome> {
  try {
    const pixels = await decodeImage(image, platform, limitPixels);
    const format = image.kind === "encoded" ? formatOf(image.bytes) : undefined;
    const { width, height } = pixels;
    return { key: contentKey(image, platform), file: { format, width, height, ...borderOf(pixels) }, pixels };
  } catch (error) {
    if (error instanceof GraftError && error.code === "input") return { reason: messageOf(error) };
    throw error;
  }
}

class Survey {
  readonly #samples: Sample[] = [];
  readonly #keys: string[] = [];
  readonly #files: ImageFile[] = [];
  readonly #problems: Problem[] = [];
  readonly #prints: Fingerprints;

  constructor(count: number) {
    this.#prints = new Fingerprints(count);
  }

  get looked(): number {
    return this.#samples.length + this.#problems.length;
  }

  take(sample: Sample, outcome: Outcome): void {
    if ("reason" in outcome) {
      this.#problems.push({ id: sample.id, reason: outcome.reason });
      return;
    }
    const { width, height, channels, data } = outcome.pixels;
    this.#prints.set(this.#samples.length, data, [height, width, channels]);
    this.#samples.push(sample);
    this.#keys.push(outcome.key);
    this.#files.push(outcome.file);
  }

  result(listed: readonly Problem[]): ImageSurvey {
    return {
      samples: this.#samples,
      keys: this.#keys,
      files: this.#files,
      prints: this.#prints.firstOf(this.#samples.length),
      problems: [...listed, ...this.#problems],
    };
  }
}

/** Over the outermost ring of pixels, one wide. */
function borderOf({ width, height, channels, data }: Pixels): Pick<ImageFile, "border" | "borderDeviation"> {
  const sums = [0, 0, 0] as const;
  const totals: [number, number, number] = [...sums];
  const squares: [number, number, number] = [...sums];
  let count = 0;
  for (let y = 0; y < height; y++) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) {
      count++;
      for (const channel of [0, 1, 2] as const) {
        const level = data[(y * width + x) * channels + (channels === 1 ? 0 : channel)] ?? 0;
        totals[channel] += level;
        squares[channel] += level * level;
      }
    }
  }
  const border = [totals[0] / count, totals[1] / count, totals[2] / count] as const;
  const variance = (squares[0] + squares[1] + squares[2]) / (3 * count) - border.reduce((sum, m) => sum + m * m, 0) / 3;
  return { border, borderDeviation: Math.sqrt(Math.max(0, variance)) };
}
