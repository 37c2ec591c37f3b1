import { placesOfCopies } from "../data/duplicates.ts";
import { Fingerprints } from "../data/fingerprints.ts";
import { findNearDuplicates } from "../data/nearDuplicates.ts";
import { arrays } from "../train/data.ts";
import type { Data } from "../train/model.ts";
import type { ImageFacts, Item, Part } from "./imageChecks.ts";
import type { Range } from "./pixelForm.ts";

/** Samples of one part, and the class of each where it has one. */
export interface SamplePart {
  readonly part: Part;
  readonly data: Data;
  readonly count: number;
  readonly classes: Int32Array | undefined;
}

/** Samples of a part that are compared, at most. */
const limitSamples = 20_000;
const batchSize = 256;
/** Images below this side are too small to be recognised by a thumbnail. */
const leastSide = 16;

/** What the samples themselves show: copies, and near-copies where they are images. `range` is that of all numbers. */
export async function sampleImages(
  parts: readonly SamplePart[],
  inputShape: readonly number[],
  range: Range,
): Promise<ImageFacts> {
  const images: Item[] = [];
  const keys: string[] = [];
  const [height = 0, width = 0, channels = 0] = inputShape;
  const total = parts.reduce((sum, { count }) => sum + Math.min(count, limitSamples), 0);
  const prints = Math.min(height, width) >= leastSide ? new Fingerprints(total) : undefined;
  const scale = 255 / (range.max - range.min || 1);
  for (const { part, data, count, classes } of parts) {
    const samples = "load" in data ? data : arrays({ x: data.x, y: new Int32Array(count), inputShape });
    for (let start = 0; start < Math.min(count, limitSamples); start += batchSize) {
      const places = Uint32Array.from({ length: Math.min(batchSize, count - start) }, (_, i) => start + i);
      const batch = await samples.load(places, undefined);
      const size = batch.data.length / places.length;
      for (const [at, place] of places.entries()) {
        const numbers = Float32Array.from(batch.data.subarray(at * size, (at + 1) * size), Number);
        prints?.set(
          images.length,
          numbers.map((value) => (value - range.min) * scale),
          [height, width, channels],
        );
        keys.push(contentKey(numbers));
        images.push({ id: `${part}[${place}]`, label: String(classes?.[place] ?? ""), part });
      }
    }
  }
  const pairs = prints === undefined ? [] : findNearDuplicates(prints).pairs;
  const lookAlikes = pairs.flatMap(({ first, second }) =>
    keys[first] !== keys[second] && images[first]?.label === images[second]?.label ? [[first, second] as const] : [],
  );
  return { images, problems: [], copies: placesOfCopies(keys), lookAlikes, tracks: undefined, empty: [] };
}

/** Two hashes of 32 bits over the numbers' bits (FNV-1a from two starts): equal samples have equal keys. */
function contentKey(numbers: Float32Array): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const bits of new Uint32Array(numbers.buffer)) {
    a = Math.imul(a ^ bits, 0x01000193);
    b = Math.imul(b ^ bits ^ (bits >>> 15), 0x85ebca6b);
  }
  return `${a >>> 0} ${b >>> 0}`;
}
