import { Tensor } from "../base/tensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import { emit } from "../graph/emit.ts";
import { augment, drawBatch, drawFeeds } from "../image/augment.ts";
import { type Augmentation, isIdentity } from "../image/augmentation.ts";
import { writeModel } from "../onnx/write.ts";
import type { Platform, Program } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import type { TransferJob, TransferPlan } from "./strategy.ts";

/** The job's images as pixels, with its augmentation where they are trained on. */
export function jobPixels({
  images,
  augmentation,
  seed,
  platform,
}: Pick<TransferJob, "images" | "augmentation" | "seed" | "platform">): Pick<TransferPlan, "data" | "dispose"> {
  const augmenter = isIdentity(augmentation) ? undefined : new Augmenter(augmentation, seed, images.side, platform);
  return {
    data: (indices, isTraining) =>
      isTraining && augmenter !== undefined ? augmented(images, indices, augmenter) : pixelData(images, indices),
    dispose: async () => augmenter?.dispose(),
  };
}

/** Some of the prepared images, by index, as training data: uint8 [N, side, side, 3] straight from the cache. */
export function pixelData(images: PreparedImages, indices: readonly number[]): TrainingData {
  const { side } = images;
  return {
    count: indices.length,
    inputShape: [side, side, 3],
    inputDType: "uint8",
    targets: { kind: "classes", labels: Int32Array.from(indices, (index) => images.samples[index]?.label ?? 0) },
    load: (batch) =>
      loadPixels(
        images,
        Array.from(batch, (i) => indices[i] ?? 0),
      ),
  };
}

/** Reads a batch of prepared images, uint8 [N, side, side, 3]. */
export async function loadPixels(images: PreparedImages, indices: readonly number[]): Promise<Tensor> {
  const { side, pixels, keys } = images;
  const size = side * side * 3;
  const batch = new Uint8Array(indices.length * size);
  for (const [i, index] of indices.entries()) batch.set(await pixels.get(keys[index] ?? ""), i * size);
  return Tensor.of("uint8", [indices.length, side, side, 3], batch);
}

/** Augments batches of pixels; compiled once. The draw of an image is a function of (seed, epoch, sample). */
export class Augmenter {
  readonly #spec: Augmentation;
  readonly #seed: number;
  readonly #side: number;
  readonly #platform: Platform;
  #program: Promise<Program> | undefined;

  constructor(spec: Augmentation, seed: number, side: number, platform: Platform) {
    this.#spec = spec;
    this.#seed = seed;
    this.#side = side;
    this.#platform = platform;
  }

  /** float32 [N, side, side, 3] from uint8 pixels; `samples` are the images' numbers in the data set. */
  async apply(pixels: Tensor, samples: readonly number[], epoch: number): Promise<Tensor> {
    const draws = drawBatch(this.#spec, { seed: this.#seed, epoch, side: this.#side }, samples);
    this.#program ??= this.#compile();
    const program = await this.#program;
    const feeds: Record<string, Tensor> = { image: pixels, ...drawFeeds(draws) };
    const { augmented } = await program.run(
      Object.fromEntries(program.inputNames.map((name) => [name, feeds[name] ?? pixels])),
    );
    if (augmented === undefined) throw new Error("the augmentation returned nothing");
    return augmented;
  }

  async dispose(): Promise<void> {
    await (await this.#program)?.dispose();
  }

  #compile(): Promise<Program> {
    const { inputs, output } = augment(this.#spec, this.#side, this.#side);
    return this.#platform.engine.compile(writeModel(emit({ name: "augment", inputs, outputs: { augmented: output } })));
  }
}

/** `data` (the images `indices`) as training sees it: augmented where an epoch is given. */
export function augmented(images: PreparedImages, indices: readonly number[], augmenter: Augmenter): TrainingData {
  const plain = pixelData(images, indices);
  return {
    ...plain,
    inputDType: "float32",
    async load(batch, epoch) {
      const pixels = await plain.load(batch, undefined);
      if (epoch === undefined) return Tensor.of("float32", pixels.shape, Float32Array.from(pixels.bytes));
      return augmenter.apply(
        pixels,
        Array.from(batch, (i) => indices[i] ?? 0),
        epoch,
      );
    },
  };
}
