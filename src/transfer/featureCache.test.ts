import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writePhotos } from "../../test/photos.fixture.ts";
import { tinyClassifier } from "../backbones/classifier.fixture.ts";
import { loadOnnxBackbone } from "../backbones/onnxBackbone.ts";
import type { Tensor } from "../base/tensor.ts";
import { openSource } from "../data/openSource.ts";
import { type PreparedImages, prepareImages } from "../data/preparedImages.ts";
import { emit } from "../graph/emit.ts";
import { substitute } from "../graph/substitute.ts";
import { input } from "../graph/value.ts";
import { augmentationSchema } from "../image/augmentation.ts";
import { normalise } from "../image/prepare.ts";
import { nodePlatform } from "../node/platform.ts";
import { writeModel } from "../onnx/write.ts";
import { drawsPerImage, FeatureCache } from "./featureCache.ts";
import { Augmenter, loadPixels } from "./pixelData.ts";

const folder = mkdtempSync(join(tmpdir(), "graft-features-"));
const platform = { ...nodePlatform(), cacheDir: join(folder, "cache") };
const backbone = loadOnnxBackbone(tinyClassifier(), "tiny.onnx", "unknown");
const spec = augmentationSchema.parse({ rotationRange: 20, horizontalFlip: true, brightnessRange: [0.7, 1.3] });
const open: FeatureCache[] = [];
let images: PreparedImages;

async function cache(): Promise<FeatureCache> {
  const features = await FeatureCache.open(backbone, images, platform);
  open.push(features);
  return features;
}

beforeAll(async () => {
  await writePhotos(join(folder, "photos"), { red: [190, 80, 80], blue: [80, 80, 190] }, 10, 20);
  const source = await openSource(join(folder, "photos"), platform);
  const preparing = prepareImages(source, backbone.preparation, platform, undefined);
  let step = await preparing.next();
  while (!step.done) step = await preparing.next();
  images = step.value;
});

afterAll(async () => {
  for (const features of open) await features.dispose();
});

describe("features of augmented images", () => {
  const indices = [3, 0, 7, 12, 19];
  const batch = Uint32Array.from([4, 1, 1, 0]);

  it("are those of the backbone on the augmented pixels", async () => {
    const features = await cache();
    const data = features.augmented(indices, spec, 9);
    const found = await data.load(batch, 2);
    const samples = Array.from(batch, (at) => indices[at] ?? -1);
    const augmenter = new Augmenter(spec, 9, 16, platform);
    const pixels = await augmenter.apply(await loadPixels(images, samples), samples, 2);
    await augmenter.dispose();
    expect(distance(found, await onPixels(pixels))).toBeLessThan(1e-5);
    // As they are where no epoch is given.
    for await (const _ of features.compute(indices, undefined));
    const plain = await data.load(batch, undefined);
    expect(distance(plain, found)).toBeGreaterThan(1e-3);
    expect(distance(plain, await features.data(indices).load(batch, 5))).toBe(0);
  });

  it("differ by epoch, return after some, and are computed once", async () => {
    const features = await cache();
    const data = features.augmented(indices, spec, 9);
    const first = await data.load(batch, 0);
    const second = await data.load(batch, 1);
    expect(distance(first, second)).toBeGreaterThan(1e-3);
    const { computed } = features;
    expect(distance(first, await data.load(batch, drawsPerImage))).toBe(0);
    expect(features.computed).toBe(computed);
    await features.dispose();
    const later = await cache();
    expect(distance(first, await later.augmented(indices, spec, 9).load(batch, 0))).toBe(0);
    expect(later.computed).toBe(0);
    expect(distance(first, await later.augmented(indices, spec, 10).load(batch, 0))).toBeGreaterThan(1e-3);
  });
});

async function onPixels(pixels: Tensor): Promise<Tensor> {
  const image = input("image", "float32", ["N", 16, 16, 3]);
  const [value] = substitute(
    [backbone.features],
    new Map([[backbone.input, normalise(image, backbone.normalisation)]]),
  );
  const program = await platform.engine.compile(
    writeModel(emit({ name: "plain", inputs: [image], outputs: { features: value } })),
  );
  const { features } = await program.run({ image: pixels });
  await program.dispose();
  if (features === undefined) throw new Error("no features");
  return features;
}

function distance(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return Math.max(...Array.from(a.floats, (value, i) => Math.abs(value - (b.floats[i] ?? Number.NaN))));
}
