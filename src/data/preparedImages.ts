import { GraftError, messageOf } from "../base/errors.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { type Preparation, prepare } from "../image/prepare.ts";
import { writeModel } from "../onnx/write.ts";
import type { Pixels, Platform, Program } from "../platform/platform.ts";
import { decodeImage } from "./decodeImage.ts";
import { imageTensor, limitPixels } from "./imageTensor.ts";
import { RecordStore } from "./recordStore.ts";
import type { Problem, RawImage, Sample, Source } from "./source.ts";

/** A source's images at the network's size, in the pixel cache. */
export interface PreparedImages {
  /** Samples that decoded, in the source's order. */
  readonly samples: readonly Sample[];
  /** The content key of each sample: equal pixels after preparation have equal keys. */
  readonly keys: readonly string[];
  readonly problems: readonly Problem[];
  /** uint8 [side, side, 3] records. */
  readonly pixels: RecordStore;
  readonly side: number;
  /** The hash of the graph that prepared them. */
  readonly preparationHash: string;
  /** How many were decoded now, not found in the cache. */
  readonly decoded: number;
}

export interface PrepareProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * Decodes, resizes and crops all images of `source` into the pixel cache, each once ever: the cache is keyed by the bytes
 * of the image and of the preparation graph. Images that cannot be decoded are listed with their reason.
 */
export async function* prepareImages(
  source: Source,
  preparation: Preparation,
  platform: Platform,
  signal: AbortSignal | undefined,
): AsyncGenerator<PrepareProgress, PreparedImages> {
  const graph = prepareModel(preparation);
  const preparationHash = platform.digest(graph, new TextEncoder().encode("pixels 1"));
  const side = preparation.cropTo;
  const folder = platform.store.join(platform.cacheDir, "pixels", preparationHash.slice(0, 32));
  const pixels = await RecordStore.open(platform, folder, side * side * 3);
  const worker = new Preparer(platform, graph, pixels);
  const results = new Map<string, Outcome>();
  try {
    yield { done: 0, total: source.samples.length };
    let inFlight: { readonly sample: Sample; readonly outcome: Promise<Outcome> }[] = [];
    const wanted = new Set(source.samples.map(({ id }) => id));
    for await (const { sample, image } of source.read(wanted)) {
      throwIfAborted(signal);
      inFlight.push({ sample, outcome: worker.take(image) });
      if (inFlight.length <= platform.parallelism) continue;
      const [oldest, ...rest] = inFlight;
      inFlight = rest;
      if (oldest !== undefined) results.set(oldest.sample.id, await oldest.outcome);
      yield { done: results.size, total: source.samples.length };
    }
    for (const { sample, outcome } of inFlight) results.set(sample.id, await outcome);
    await pixels.flush();
    yield { done: results.size, total: source.samples.length };
  } finally {
    await worker.dispose();
  }
  return { ...collect(source, results), pixels, side, preparationHash, decoded: worker.decoded };
}

/** The ONNX file of a preparation: uint8 `image` [N, H, W, 3] → uint8 `pixels` [N, side, side, 3]. */
export function prepareModel(preparation: Preparation): Uint8Array {
  const image = input("image", "uint8", ["N", "H", "W", 3]);
  return writeModel(emit({ name: "prepare", inputs: [image], outputs: { pixels: prepare(image, preparation) } }));
}

type Outcome = { readonly key: string } | { readonly reason: string };

/** Turns raw images into cache records; compiles the preparation only when one is missing. */
class Preparer {
  readonly #platform: Platform;
  readonly #graph: Uint8Array;
  readonly #pixels: RecordStore;
  #program: Promise<Program> | undefined;
  decoded = 0;

  constructor(platform: Platform, graph: Uint8Array, pixels: RecordStore) {
    this.#platform = platform;
    this.#graph = graph;
    this.#pixels = pixels;
  }

  async take(image: RawImage): Promise<Outcome> {
    const key = contentKey(image, this.#platform);
    if (this.#pixels.has(key)) return { key };
    let decoded: Pixels;
    try {
      decoded = await decodeImage(image, this.#platform, limitPixels);
    } catch (error) {
      if (error instanceof GraftError && error.code === "input") return { reason: messageOf(error) };
      throw error;
    }
    this.#program ??= this.#platform.engine.compile(this.#graph, { releaseMemory: true });
    const { pixels } = await (await this.#program).run({ image: imageTensor(decoded) });
    if (pixels === undefined) throw new Error("the preparation returned nothing");
    await this.#pixels.put(key, pixels.bytes);
    this.decoded++;
    return { key };
  }

  async dispose(): Promise<void> {
    await (await this.#program)?.dispose();
  }
}

/** The hash by which an image is known, whatever its name. */
export function contentKey(image: RawImage, platform: Platform): string {
  if (image.kind === "encoded") return platform.digest(image.bytes);
  const { width, height, channels, data } = image.pixels;
  return platform.digest(new TextEncoder().encode(`pixels ${width}x${height}x${channels} `), data);
}

function collect(source: Source, results: ReadonlyMap<string, Outcome>) {
  const samples: Sample[] = [];
  const keys: string[] = [];
  const problems: Problem[] = [...source.problems];
  for (const sample of source.samples) {
    const outcome = results.get(sample.id) ?? { reason: "could not be read" };
    if ("reason" in outcome) {
      problems.push({ id: sample.id, reason: outcome.reason });
      continue;
    }
    samples.push(sample);
    keys.push(outcome.key);
  }
  return { samples, keys, problems };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new GraftError("interrupted", "stopped while images were being prepared; what was prepared is kept.");
}
