import type { GoldenImage } from "../artefact/golden.ts";
import { StagePrograms } from "../artefact/runStages.ts";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import type { RawImage, Source } from "../data/source.ts";
import type { ModelStages, Pixels, Platform, StageRequest } from "../platform/platform.ts";

/** An image as a file that can travel. */
export interface ImageFile {
  readonly bytes: Uint8Array;
  readonly extension: string;
  readonly pixels: Pixels;
}

const knownExtension = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif|ppm|pgm)$/i;

/** The image as a file; one that never was a file becomes a PNG. */
export async function imageFileOf(id: string, image: RawImage, platform: Platform): Promise<ImageFile> {
  const pixels = await decodeImage(image, platform, limitPixels);
  if (image.kind === "pixels") return { bytes: await platform.codec.encodePng(pixels), extension: ".png", pixels };
  return { bytes: image.bytes, extension: knownExtension.exec(id)?.[0].toLowerCase() ?? "", pixels };
}

/** What a model makes of an image here, stage by stage. */
export async function goldenOf(
  { bytes, extension, pixels }: ImageFile,
  name: string | number,
  programs: StagePrograms,
  platform: Platform,
): Promise<GoldenImage> {
  const decoded = imageTensor(pixels);
  return {
    file: `${name}${extension}`,
    sha256: platform.digest(bytes),
    decoded,
    prepared: await programs.prepare(decoded),
    answers: await programs.whole(decoded),
  };
}

/** Images with what was made of them. */
export interface GoldenBatch {
  readonly golden: readonly GoldenImage[];
  readonly images: StageRequest["images"];
}

/** Of decoded pixels and as many images: what one request to another process may hold. */
const batchBytes = 100_000_000;
const batchImages = 100;

/** All images of a data set with what a model makes of them here, some at a time. */
export async function* goldenBatches(
  source: Source,
  stages: ModelStages,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<GoldenBatch> {
  const programs = await StagePrograms.open(stages, platform.engine);
  try {
    let [golden, images, size]: [GoldenImage[], StageRequest["images"][number][], number] = [[], [], 0];
    for await (const { sample, image } of source.read(new Set(source.samples.map(({ id }) => id)))) {
      if (signal.aborted) throw new GraftError("interrupted", "stopped before all images were compared.");
      const file = await imageFileOf(sample.id, image, platform);
      const answered = await goldenOf(file, golden.length, programs, platform);
      golden.push(answered);
      images.push({ bytes: file.bytes, decoded: answered.decoded, prepared: answered.prepared });
      size += answered.decoded.bytes.length;
      if (size < batchBytes && images.length < batchImages) continue;
      yield { golden, images };
      [golden, images, size] = [[], [], 0];
    }
    if (images.length > 0) yield { golden, images };
  } finally {
    await programs.dispose();
  }
}
