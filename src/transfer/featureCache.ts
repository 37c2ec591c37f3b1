import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import { RecordStore } from "../data/recordStore.ts";
import { emit } from "../graph/emit.ts";
import { substitute } from "../graph/substitute.ts";
import { input } from "../graph/value.ts";
import { normalise } from "../image/prepare.ts";
import { writeModel } from "../onnx/write.ts";
import type { Platform, Program } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { loadPixels } from "./pixelData.ts";

/** Always so many images at once, the last batch filled up: results do not depend on what was cached before. */
const batchSize = 16;

/**
 * The features of a frozen backbone, each computed once ever: cached on disk by the hashes of the pixels and of the frozen graph.
 * The graph is compiled with constant weights, at full inference speed, and only when a feature is missing.
 */
export class FeatureCache {
  readonly #images: PreparedImages;
  readonly #records: RecordStore;
  readonly #platform: Platform;
  readonly #frozen: Uint8Array;
  readonly width: number;
  #program: Promise<Program> | undefined;
  /** How many features were computed now. */
  computed = 0;

  private constructor(
    images: PreparedImages,
    records: RecordStore,
    platform: Platform,
    frozen: Uint8Array,
    width: number,
  ) {
    this.#images = images;
    this.#records = records;
    this.#platform = platform;
    this.#frozen = frozen;
    this.width = width;
  }

  static async open(backbone: Backbone, images: PreparedImages, platform: Platform): Promise<FeatureCache> {
    const frozen = frozenModel(backbone);
    const hash = platform.digest(frozen, new TextEncoder().encode(images.preparationHash));
    const folder = platform.store.join(platform.cacheDir, "features", hash.slice(0, 32));
    const records = await RecordStore.open(platform, folder, 4 * backbone.width);
    return new FeatureCache(images, records, platform, frozen, backbone.width);
  }

  /** Computes what is missing; yields how far it is. */
  async *compute(signal: AbortSignal | undefined): AsyncGenerator<{ readonly done: number; readonly total: number }> {
    const { keys } = this.#images;
    const missing: number[] = [];
    const claimed = new Set<string>();
    keys.forEach((key, index) => {
      if (this.#records.has(key) || claimed.has(key)) return;
      claimed.add(key);
      missing.push(index);
    });
    yield { done: keys.length - missing.length, total: keys.length };
    for (let start = 0; start < missing.length; start += batchSize) {
      if (signal?.aborted) {
        await this.#records.flush();
        throw new GraftError("interrupted", "stopped while features were being computed; those done are kept.");
      }
      const indices = missing.slice(start, start + batchSize);
      await this.#computeBatch(indices);
      this.computed += indices.length;
      yield { done: keys.length - missing.length + start + indices.length, total: keys.length };
    }
    await this.#records.flush();
  }

  /** The features of some images as training data. */
  data(indices: readonly number[]): TrainingData {
    const { samples, keys } = this.#images;
    return {
      count: indices.length,
      inputShape: [this.width],
      inputDType: "float32",
      targets: { kind: "classes", labels: Int32Array.from(indices, (index) => samples[index]?.label ?? 0) },
      load: async (batch) => {
        const bytes = new Uint8Array(batch.length * 4 * this.width);
        for (const [i, at] of batch.entries()) {
          bytes.set(await this.#records.get(keys[indices[at] ?? 0] ?? ""), i * 4 * this.width);
        }
        return new Tensor("float32", [batch.length, this.width], bytes);
      },
    };
  }

  async dispose(): Promise<void> {
    await (await this.#program)?.dispose();
  }

  async #computeBatch(indices: readonly number[]): Promise<void> {
    const filled = Array.from({ length: batchSize }, (_, i) => indices[i] ?? indices[0] ?? 0);
    this.#program ??= this.#platform.engine.compile(this.#frozen);
    const { features } = await (await this.#program).run({ pixels: await loadPixels(this.#images, filled) });
    if (features === undefined) throw new Error("the backbone returned nothing");
    const size = 4 * this.width;
    for (const [i, index] of indices.entries()) {
      await this.#records.put(this.#images.keys[index] ?? "", features.bytes.subarray(i * size, (i + 1) * size));
    }
  }
}

/** Pixels in, features out: normalisation and backbone with constant weights. */
function frozenModel(backbone: Backbone): Uint8Array {
  const side = backbone.preparation.cropTo;
  const pixels = input("pixels", "uint8", [batchSize, side, side, 3]);
  const [features] = substitute(
    [backbone.features],
    new Map([[backbone.input, normalise(pixels, backbone.normalisation)]]),
  );
  if (features === undefined) throw new Error("nothing was substituted");
  return writeModel(emit({ name: "frozen", inputs: [pixels], outputs: { features } }));
}
