import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import { RecordStore } from "../data/recordStore.ts";
import { compileGraph } from "../graph/compile.ts";
import { type Emission, emit } from "../graph/emit.ts";
import { substitute } from "../graph/substitute.ts";
import { input, type Value } from "../graph/value.ts";
import { augment, drawBatch, drawFeeds } from "../image/augment.ts";
import type { Augmentation, Draw } from "../image/augmentation.ts";
import { normalise } from "../image/prepare.ts";
import { writeModelParts } from "../onnx/write.ts";
import type { Platform, Program } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { loadPixels } from "./pixelData.ts";

/** Always so many images at once, the last batch filled up: results do not depend on what was cached before. */
const batchSize = 16;
/** Variants of an augmented image: later epochs return to the features of earlier ones instead of computing new ones for ever. */
export const drawsPerImage = 8;

/** One image whose feature is wanted: as it is, or as drawn. */
interface Wanted {
  readonly key: string;
  readonly index: number;
  readonly draw: Draw | undefined;
}

/**
 * The features of a frozen backbone, each computed once ever: cached on disk by the hashes of the pixels and of the frozen graph,
 * and of the draw where the image is augmented. The graphs are compiled with constant weights, at full inference speed,
 * and only when a feature is missing.
 */
export class FeatureCache {
  readonly #backbone: Backbone;
  readonly #images: PreparedImages;
  readonly #records: RecordStore;
  readonly #platform: Platform;
  readonly width: number;
  readonly #plain: Lazy;
  readonly #programs: Lazy[];
  /** How many features were computed now. */
  computed = 0;

  private constructor(
    backbone: Backbone,
    images: PreparedImages,
    records: RecordStore,
    platform: Platform,
    frozen: Emission,
  ) {
    this.#backbone = backbone;
    this.#images = images;
    this.#records = records;
    this.#platform = platform;
    this.#plain = new Lazy(() => compileGraph(frozen, platform.engine));
    this.#programs = [this.#plain];
    this.width = backbone.width;
  }

  static async open(backbone: Backbone, images: PreparedImages, platform: Platform): Promise<FeatureCache> {
    const frozen = plainModel(backbone);
    const { bytes, externalData } = writeModelParts(emit(frozen));
    const hash = platform.digest(bytes, ...externalData.values(), new TextEncoder().encode(images.preparationHash));
    const folder = platform.store.join(platform.cacheDir, "features", hash.slice(0, 32));
    const records = await RecordStore.open(platform, folder, 4 * backbone.width);
    return new FeatureCache(backbone, images, records, platform, frozen);
  }

  /** Computes what is missing of some images as they are; yields how far it is. */
  async *compute(
    indices: readonly number[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ readonly done: number; readonly total: number }> {
    const { keys } = this.#images;
    const missing = this.#missing(indices.map((index) => ({ key: keys[index] ?? "", index, draw: undefined })));
    const total = indices.length;
    const done = total - missing.length;
    yield { done, total };
    for (let start = 0; start < missing.length; start += batchSize) {
      if (signal?.aborted) {
        await this.#records.flush();
        throw new GraftError("interrupted", "stopped while features were being computed; those done are kept.");
      }
      const batch = missing.slice(start, start + batchSize);
      await this.#computeBatch(batch, this.#plain);
      yield { done: done + start + batch.length, total };
    }
    await this.#records.flush();
  }

  /** The features of some images, as they are, as training data. */
  data(indices: readonly number[]): TrainingData {
    const { samples, keys } = this.#images;
    return {
      count: indices.length,
      inputShape: [this.width],
      inputDType: "float32",
      targets: { kind: "classes", labels: Int32Array.from(indices, (index) => samples[index]?.label ?? 0) },
      load: (batch) => this.#read(Array.from(batch, (at) => keys[indices[at] ?? 0] ?? "")),
    };
  }

  /**
   * The features of some images as training sees them: augmented where an epoch is given, computed when first wanted.
   * Epoch e shows draw e mod `drawsPerImage`.
   */
  augmented(indices: readonly number[], spec: Augmentation, seed: number): TrainingData {
    const plain = this.data(indices);
    const side = this.#backbone.preparation.cropTo;
    const compiled = new Lazy(() => compileGraph(augmentedModel(this.#backbone, spec), this.#platform.engine));
    this.#programs.push(compiled);
    return {
      ...plain,
      load: async (batch, epoch) => {
        if (epoch === undefined) return plain.load(batch, epoch);
        const samples = Array.from(batch, (at) => indices[at] ?? 0);
        const draws = drawBatch(spec, { seed, epoch: epoch % drawsPerImage, side }, samples);
        const wanted = samples.map((index, i) => ({
          key: this.#drawnKey(index, spec, draws[i]),
          index,
          draw: draws[i],
        }));
        const missing = this.#missing(wanted);
        for (let start = 0; start < missing.length; start += batchSize)
          await this.#computeBatch(missing.slice(start, start + batchSize), compiled);
        return this.#read(wanted.map(({ key }) => key));
      },
    };
  }

  /** Writes what was computed to disk and frees the programs. */
  async dispose(): Promise<void> {
    await this.#records.flush();
    for (const program of this.#programs) await program.dispose();
  }

  #drawnKey(index: number, spec: Augmentation, draw: Draw | undefined): string {
    const text = JSON.stringify([this.#images.keys[index], spec, draw]);
    return this.#platform.digest(new TextEncoder().encode(text));
  }

  /** What is neither cached nor named twice. */
  #missing(wanted: readonly Wanted[]): readonly Wanted[] {
    const claimed = new Set<string>();
    return wanted.filter(({ key }) => {
      if (this.#records.has(key) || claimed.has(key)) return false;
      claimed.add(key);
      return true;
    });
  }

  async #read(keys: readonly string[]): Promise<Tensor> {
    const size = 4 * this.width;
    const bytes = new Uint8Array(keys.length * size);
    for (const [i, key] of keys.entries()) bytes.set(await this.#records.get(key), i * size);
    return new Tensor("float32", [keys.length, this.width], bytes);
  }

  async #computeBatch(wanted: readonly Wanted[], compiled: Lazy): Promise<void> {
    const [first] = wanted;
    if (first === undefined) return;
    const filled = Array.from({ length: batchSize }, (_, i) => wanted[i] ?? first);
    const pixels = await loadPixels(
      this.#images,
      filled.map(({ index }) => index),
    );
    const draws = filled.flatMap(({ draw }) => draw ?? []);
    const program = await compiled.get();
    const feeds: Record<string, Tensor> = draws.length === 0 ? {} : drawFeeds(draws);
    const { features } = await program.run(
      Object.fromEntries(program.inputNames.map((name) => [name, feeds[name] ?? pixels])),
    );
    if (features === undefined) throw new Error("the backbone returned nothing");
    const size = 4 * this.width;
    for (const [i, { key }] of wanted.entries())
      await this.#records.put(key, features.bytes.subarray(i * size, (i + 1) * size));
    this.computed += wanted.length;
  }
}

/** A program that is compiled when it is first wanted. */
class Lazy {
  readonly #compile: () => Promise<Program>;
  #program: Promise<Program> | undefined;

  constructor(compile: () => Promise<Program>) {
    this.#compile = compile;
  }

  get(): Promise<Program> {
    this.#program ??= this.#compile();
    return this.#program;
  }

  async dispose(): Promise<void> {
    await (await this.#program)?.dispose();
  }
}

/** Pixels in, features out: normalisation and backbone with constant weights. */
function plainModel(backbone: Backbone): Emission {
  const side = backbone.preparation.cropTo;
  const pixels = input("pixels", "uint8", [batchSize, side, side, 3]);
  return frozenModel(backbone, [pixels], pixels);
}

/** Pixels and draws in, features of the augmented images out. */
function augmentedModel(backbone: Backbone, spec: Augmentation): Emission {
  const side = backbone.preparation.cropTo;
  const { inputs, output } = augment(spec, side, side);
  return frozenModel(backbone, inputs, output);
}

function frozenModel(backbone: Backbone, inputs: readonly Value[], pixels: Value): Emission {
  const [features] = substitute(
    [backbone.features],
    new Map([[backbone.input, normalise(pixels, backbone.normalisation)]]),
  );
  return { name: "frozen", inputs, outputs: { features } };
}
