import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { openSource } from "../data/openSource.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Sample, Source } from "../data/source.ts";
import { Augmenter, loadPixels } from "../transfer/pixelData.ts";
import { parseAugmentation } from "./augmentOption.ts";
import { prepareData } from "./dataset.ts";
import { defineTask, type Task } from "./task.ts";

/** Images in the sheet. */
const originals = 6;
/** How often each is drawn: plain, then augmented. */
const columns = 8;
const gap = 4;

/** `graft preview`: a picture of what training will see. */
export const preview: Task = defineTask({
  name: "preview",
  summary: "Write a contact sheet (PNG) of what training will see",
  input: z.object({
    data: z.string().describe("data set in any form that train takes"),
    augment: z
      .string()
      .default("horizontalFlip,rotationRange=15,widthShiftRange=0.1,heightShiftRange=0.1,zoomRange=0.15")
      .describe("augmentation as for train"),
    size: z.number().int().min(8).max(1024).default(128).describe("side of each picture in pixels"),
    seed: z.number().int().min(0).default(0).describe("decides which images are shown and how they are drawn"),
    out: z.string().default("preview.png").describe("file to write"),
  }),
  positionals: ["data"],
  async *run({ data, augment, size, seed, out }, platform, signal) {
    const spec = parseAugmentation(augment);
    const source = await openSource(data, platform);
    const some = choose(source);
    const images = yield* prepareData(some, { resizeTo: size, cropTo: size, interpolation: "bilinear" }, platform, {
      strict: false,
      signal,
    });
    if (images.samples.length === 0)
      throw new GraftError("data", `"${data}": none of the images tried can be decoded.`);
    const augmenter = new Augmenter(spec, seed, size, platform);
    try {
      const sheet = await drawSheet(images, augmenter);
      await platform.store.write(out, await platform.codec.encodePng(sheet));
    } finally {
      await augmenter.dispose();
    }
    yield { type: "note", text: `one row an image: first as it is, then ${columns - 1} draws (seed ${seed})` };
    yield { type: "artefact", kind: "preview", path: out };
  },
});

/** A few images, from different classes where there are several. */
function choose(source: Source): Source {
  const samples: Sample[] = [];
  for (let round = 0; samples.length < originals && round < originals; round++) {
    for (let label = 0; label < source.labels.length && samples.length < originals; label++) {
      const sample = source.samples.filter((one) => one.label === label)[round];
      if (sample !== undefined) samples.push(sample);
    }
  }
  return { ...source, samples, problems: [] };
}

async function drawSheet(images: PreparedImages, augmenter: Augmenter) {
  const { side, samples } = images;
  const width = columns * (side + gap) + gap;
  const height = samples.length * (side + gap) + gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  for (const row of samples.keys()) {
    const plain = await loadPixels(images, [row]);
    for (let column = 0; column < columns; column++) {
      const levels = column === 0 ? plain.bytes : (await augmenter.apply(plain, [row], column - 1)).floats;
      const left = gap + column * (side + gap);
      const top = gap + row * (side + gap);
      for (let y = 0; y < side; y++) {
        const target = ((top + y) * width + left) * 3;
        for (let i = 0; i < side * 3; i++) data[target + i] = Math.round(levels[y * side * 3 + i] ?? 0);
      }
    }
  }
  return { width, height, channels: 3 as const, data };
}
