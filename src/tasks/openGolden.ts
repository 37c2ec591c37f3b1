import { decodeGolden, expectedFile, type GoldenImage } from "../artefact/golden.ts";
import { stagesOf } from "../artefact/stages.ts";
import { GraftError } from "../base/errors.ts";
import type { ModelStages, Platform, StageRequest } from "../platform/platform.ts";
import { goldenFolder } from "./runFolder.ts";
import { readRun } from "./servedModel.ts";

/** The golden images of a run, what any runtime is to be asked, and the stages of its model. */
export interface Golden {
  readonly golden: readonly GoldenImage[];
  readonly images: StageRequest["images"];
  readonly stages: ModelStages;
}

/** Throws `input` where a run has no golden images, or they were changed. */
export async function openGolden(path: string, platform: Platform): Promise<Golden> {
  const { store } = platform;
  const { file, bytes } = await readRun(path, platform);
  const folder = store.join(file, "..", goldenFolder);
  const expected = store.join(folder, expectedFile);
  if ((await store.info(expected)) === undefined) {
    throw new GraftError(
      "input",
      `"${folder}" has no golden images to compare with; they are saved beside model.onnx when it is trained. Give the whole run folder, or train again.`,
    );
  }
  const golden = decodeGolden(await store.read(expected), expected);
  const images: StageRequest["images"][number][] = [];
  for (const { file: name, sha256, decoded, prepared } of golden) {
    const image = await store.read(store.join(folder, name));
    if (platform.digest(image) !== sha256) {
      throw new GraftError(
        "input",
        `"${store.join(folder, name)}" is not the image that was saved: it was changed or damaged.`,
      );
    }
    images.push({ bytes: image, decoded, prepared });
  }
  return { golden, images, stages: stagesOf(bytes, file) };
}
