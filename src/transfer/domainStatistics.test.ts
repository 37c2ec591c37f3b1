import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder, writePhotos } from "../../test/photos.fixture.ts";
import { normalisedClassifier, tinyClassifier } from "../backbones/classifier.fixture.ts";
import { type Backbone, loadOnnxBackbone } from "../backbones/onnxBackbone.ts";
import { openSource } from "../data/openSource.ts";
import { type PreparedImages, prepareImages } from "../data/preparedImages.ts";
import { nodePlatform } from "../node/platform.ts";
import { withDomainStatistics } from "./domainStatistics.ts";
import { FeatureCache } from "./featureCache.ts";

const folder = temporaryFolder();
const platform = { ...nodePlatform(), cacheDir: join(folder, "cache") };
const { engine } = platform;
const backbone = loadOnnxBackbone(normalisedClassifier(), "normalised.onnx", "unknown");
const count = 70;
const all = Array.from({ length: count }, (_, i) => i);
let images: PreparedImages;

beforeAll(async () => {
  await writePhotos(join(folder, "photos"), { red: [190, 80, 80], blue: [80, 80, 190] }, count / 2, 16);
  const source = await openSource(join(folder, "photos"), platform);
  images = await finished(prepareImages(source, backbone.preparation, platform, undefined));
});

async function finished<T>(work: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
  }
}

/** Mean and variance of each feature over all images. */
async function spreadOf(of: Backbone) {
  const cache = await FeatureCache.open(of, images, platform);
  await finished(cache.compute(all, undefined));
  const { floats } = await cache.data(all).load(Uint32Array.from(all), undefined);
  await cache.dispose();
  return Array.from({ length: of.width }, (_, column) => {
    const values = all.map((row) => floats[row * of.width + column] ?? Number.NaN);
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count };
  });
}

describe("a backbone with the statistics of a domain", () => {
  it("gives features of that domain with the mean and variance that its scale and bias say, pooled over batches", async () => {
    const adapted = await finished(withDomainStatistics(backbone, images, all, { seed: 0 }, { engine }));
    const before = await spreadOf(backbone);
    expect(before.some(({ mean }) => Math.abs(mean - 0.25) > 0.5)).toBe(true);
    for (const { mean, variance } of await spreadOf(adapted)) {
      expect(mean).toBeCloseTo(0.25, 4); // the bias
      expect(variance).toBeCloseTo(4, 2); // the scale squared, but for ε
    }
  });

  it("is the same again for the same seed", async () => {
    const [first, second] = [
      await finished(withDomainStatistics(backbone, images, all, { seed: 3 }, { engine })),
      await finished(withDomainStatistics(backbone, images, all, { seed: 3 }, { engine })),
    ];
    expect(await spreadOf(second)).toEqual(await spreadOf(first));
  });

  it("is refused where nothing normalises a batch", async () => {
    const plain = loadOnnxBackbone(tinyClassifier(), "tiny.onnx", "unknown");
    const work = finished(withDomainStatistics(plain, images, all, { seed: 0 }, { engine }));
    await expect(work).rejects.toThrow(/"tiny.onnx" has no batch normalisation/);
  });
});
