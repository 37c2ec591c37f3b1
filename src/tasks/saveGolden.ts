import { encodeGolden, expectedFile, type GoldenImage } from "../artefact/golden.ts";
import { StagePrograms } from "../artefact/runStages.ts";
import { stagesOf } from "../artefact/stages.ts";
import type { Source } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { goldenOf, type ImageFile, imageFileOf } from "./goldenAnswers.ts";
import { goldenFolder, type RunFolder } from "./runFolder.ts";

const count = 5;
/** Larger images are passed over, unless there is nothing else: their pixels travel with the model. */
const roomyPixels = 2_000_000;

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
    for (const [i, file] of chosen.entries()) {
      const answered = await goldenOf(file, i, programs, platform);
      await store.write(folder.file(goldenFolder, answered.file), file.bytes);
      golden.push(answered);
    }
    await store.write(folder.file(goldenFolder, expectedFile), encodeGolden(golden));
  } finally {
    await programs.dispose();
  }
}

/** A few images from all over the list; the smallest alone where all are large. */
async function chosenImages(source: Source, ids: readonly string[], platform: Platform): Promise<readonly ImageFile[]> {
  const step = Math.max(1, ids.length / count);
  const wanted = new Set(
    Array.from({ length: Math.min(count, ids.length) }, (_, i) => ids[Math.floor(i * step)] ?? ""),
  );
  const found: ImageFile[] = [];
  for await (const { sample, image } of source.read(wanted)) found.push(await imageFileOf(sample.id, image, platform));
  const roomy = found.filter(({ pixels }) => pixels.width * pixels.height <= roomyPixels);
  return roomy.length > 0 ? roomy : found.sort((a, b) => a.pixels.data.length - b.pixels.data.length).slice(0, 1);
}
