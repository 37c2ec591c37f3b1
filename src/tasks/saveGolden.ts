import { encodeGolden, expectedFile, type GoldenImage } from "../artefact/golden.ts";
import { StagePrograms } from "../artefact/runStages.ts";
import { stagesOf } from "../artefact/stages.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import type { RawImage, Source } from "../data/source.ts";
import type { Pixels, Platform } from "../platform/platform.ts";
import { goldenFolder, type RunFolder } from "./runFolder.ts";

const count = 5;
/** Larger images are passed over, unless there is nothing else: their pixels travel with the model. */
const roomyPixels = 2_000_000;
const knownExtension = /\.(jpe?g|png|webp|gif|bmp|tiff?|avif|ppm|pgm)$/i;

/** Saves a few images with what the model makes of them, stage by stage, so that any runtime can be compared with it later. */
export async function saveGolden(
  { source, ids }: { readonly source: Source; readonly ids: readonly string[] },
  model: Uint8Array,
  folder: RunFolder,
  platform: Platform,
): Promise<void> {
  const { store } = platform;
  const chosen = await chosenImages(source, ids, platform);
  await store.makeFolder(folder.file(goldenFolder));
  const programs = await StagePrograms.open(stagesOf(model, folder.file("model.onnx")), platform.engine);
  try {
    const golden: GoldenImage[] = [];
    for (const [i, { bytes, extension, pixels }] of chosen.entries()) {
      const decoded = imageTensor(pixels);
      const file = `${i}${extension}`;
      await store.write(folder.file(goldenFolder, file), bytes);
      golden.push({
        file,
        sha256: platform.digest(bytes),
        decoded,
        prepared: await programs.prepare(decoded),
        answers: await programs.whole(decoded),
      });
    }
    await store.write(folder.file(goldenFolder, expectedFile), encodeGolden(golden));
  } finally {
    await programs.dispose();
  }
}

interface ChosenImage {
  readonly bytes: Uint8Array;
  readonly extension: string;
  readonly pixels: Pixels;
}

/** A few images from all over the list; the smallest alone where all are large. */
async function chosenImages(
  source: Source,
  ids: readonly string[],
  platform: Platform,
): Promise<readonly ChosenImage[]> {
  const step = Math.max(1, ids.length / count);
  const wanted = new Set(
    Array.from({ length: Math.min(count, ids.length) }, (_, i) => ids[Math.floor(i * step)] ?? ""),
  );
  const found: ChosenImage[] = [];
  for await (const { sample, image } of source.read(wanted)) found.push(await fileOf(sample.id, image, platform));
  const roomy = found.filter(({ pixels }) => pixels.width * pixels.height <= roomyPixels);
  return roomy.length > 0 ? roomy : found.sort((a, b) => a.pixels.data.length - b.pixels.data.length).slice(0, 1);
}

/** The image as a file; one that never was a file becomes a PNG. */
async function fileOf(id: string, image: RawImage, platform: Platform): Promise<ChosenImage> {
  const pixels = await decodeImage(image, platform, limitPixels);
  if (image.kind === "pixels") return { bytes: await platform.codec.encodePng(pixels), extension: ".png", pixels };
  return { bytes: image.bytes, extension: knownExtension.exec(id)?.[0].toLowerCase() ?? "", pixels };
}
