import { openSource } from "../src/data/openSource.ts";
import { type PreparedImages, prepareImages } from "../src/data/preparedImages.ts";
import type { Preparation } from "../src/image/prepare.ts";
import type { Platform } from "../src/platform/platform.ts";

/** CIFAR-10 as an archive of `train/<class>/*` and `test/<class>/*`, prepared once, and which images are of which part. */
export interface CifarImages {
  readonly images: PreparedImages;
  readonly training: readonly number[];
  readonly testing: readonly number[];
}

export async function cifarImages(path: string, preparation: Preparation, platform: Platform): Promise<CifarImages> {
  const source = await openSource(path, platform);
  const preparing = prepareImages(source, preparation, platform, undefined);
  let step = await preparing.next();
  while (!step.done) step = await preparing.next();
  const images = step.value;
  const indicesOf = (split: string) => [...images.samples.keys()].filter((i) => images.samples[i]?.split === split);
  const [training, testing] = [indicesOf("train"), indicesOf("test")];
  console.log(`${training.length} images to train on, ${testing.length} to test`);
  return { images, training, testing };
}
