import { GraftError } from "../base/errors.ts";
import type { PreparedImages, PrepareProgress } from "./preparedImages.ts";

/** Of the gray thumbnail that stands for an image, in pixels. */
const side = 16;
const area = side * side;
/** Frequencies along each axis whose signs make the hash. */
const frequencies = 8;
/** A hash is kept as so many numbers of 16 bits. */
export const bands = 4;

/**
 * What survives of images when they are resized, recompressed or made a little brighter: a gray thumbnail of 16×16 pixels, and
 * the signs of its 64 lowest frequencies (a perceptual hash; Zauner 2010, §3.2.1, with zero in place of the median).
 */
export class Fingerprints {
  readonly count: number;
  /** `bands` numbers of 16 bits an image. */
  readonly hashes: Uint16Array;
  /** Standardised to mean 0 and length 1; all zero where the image is of one gray. */
  readonly #thumbnails: Float32Array;
  /** Mean and standard deviation of the thumbnail's levels. */
  readonly brightness: Float32Array;
  readonly contrast: Float32Array;
  /** Entropy of the image's levels in bits, 0 for one gray to 8: photos have 5 and more, drawings and messages 2 and less. */
  readonly detail: Float32Array;

  constructor(count: number) {
    this.count = count;
    this.hashes = new Uint16Array(bands * count);
    this.#thumbnails = new Float32Array(area * count);
    this.brightness = new Float32Array(count);
    this.contrast = new Float32Array(count);
    this.detail = new Float32Array(count);
  }

  /** Takes image `i`: levels of 0–255, [height, width, channels]. */
  set(i: number, levels: ArrayLike<number>, [height, width, channels]: readonly [number, number, number]): void {
    const thumbnail = this.#thumbnails.subarray(i * area, (i + 1) * area);
    shrink(thumbnail, levels, height, width, channels);
    const { mean, deviation } = standardise(thumbnail);
    this.brightness[i] = mean;
    this.contrast[i] = deviation;
    this.hashes.set(hashOf(thumbnail), bands * i);
    this.detail[i] = entropy(levels, channels);
  }

  /** Those of the first `count` images. */
  firstOf(count: number): Fingerprints {
    const some = new Fingerprints(count);
    some.hashes.set(this.hashes.subarray(0, bands * count));
    some.#thumbnails.set(this.#thumbnails.subarray(0, area * count));
    some.brightness.set(this.brightness.subarray(0, count));
    some.contrast.set(this.contrast.subarray(0, count));
    some.detail.set(this.detail.subarray(0, count));
    return some;
  }

  /** Bits in which two hashes differ, 0 to 64. */
  distance(i: number, j: number): number {
    let bits = 0;
    for (let band = 0; band < bands; band++) bits += this.bandDistance(i, j, band);
    return bits;
  }

  bandDistance(i: number, j: number, band: number): number {
    return bitCounts[(this.hashes[bands * i + band] ?? 0) ^ (this.hashes[bands * j + band] ?? 0)] ?? 0;
  }

  /** How alike two thumbnails are, whatever their brightness and contrast: their correlation, −1 to 1. */
  likeness(i: number, j: number): number {
    let sum = 0;
    for (let at = 0; at < area; at++)
      sum += (this.#thumbnails[i * area + at] ?? 0) * (this.#thumbnails[j * area + at] ?? 0);
    return sum;
  }

  /** How far two thumbnails are apart, brightness and contrast included: the root of the mean square, in levels. */
  difference(i: number, j: number): number {
    const [a = 0, b = 0] = [this.contrast[i], this.contrast[j]];
    const shift = (this.brightness[i] ?? 0) - (this.brightness[j] ?? 0);
    return Math.sqrt(Math.max(0, shift ** 2 + a ** 2 + b ** 2 - 2 * a * b * this.likeness(i, j)));
  }
}

/** The fingerprints of prepared images, in their order. */
export async function* fingerprintsOf(
  images: PreparedImages,
  signal: AbortSignal | undefined,
): AsyncGenerator<PrepareProgress, Fingerprints> {
  const total = images.keys.length;
  const prints = new Fingerprints(total);
  for (const [i, key] of images.keys.entries()) {
    if (signal?.aborted) throw new GraftError("interrupted", "stopped while images were being compared.");
    prints.set(i, await images.pixels.get(key), [images.side, images.side, 3]);
    if (i % 256 === 0) yield { done: i, total };
  }
  return prints;
}

const bitCounts = Uint8Array.from({ length: 1 << 16 }, (_, value) => {
  let bits = 0;
  for (let rest = value; rest > 0; rest &= rest - 1) bits++;
  return bits;
});

/** cos(π/side · (x + ½) · u), the DCT-II's basis, one row a frequency. */
const basis = Float64Array.from({ length: frequencies * side }, (_, at) =>
  Math.cos((Math.PI / side) * ((at % side) + 0.5) * Math.floor(at / side)),
);

/** Means of the channels and of the pixels that fall into each cell; small images are enlarged. */
function shrink(cells: Float32Array, levels: ArrayLike<number>, height: number, width: number, channels: number): void {
  for (let row = 0; row < side; row++) {
    const [top, bottom] = span(row, height);
    for (let column = 0; column < side; column++) {
      const [left, right] = span(column, width);
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        const end = (y * width + right) * channels;
        for (let at = (y * width + left) * channels; at < end; at++) sum += levels[at] ?? 0;
      }
      cells[row * side + column] = sum / ((bottom - top) * (right - left) * channels);
    }
  }
}

/** The pixels [from, to) of an axis that a cell stands for, one at least. */
function span(cell: number, length: number): readonly [number, number] {
  const from = Math.floor((cell * length) / side);
  return [from, Math.max(from + 1, Math.floor(((cell + 1) * length) / side))];
}

/** To mean 0 and length 1, in place; gives what they were. */
function standardise(cells: Float32Array): { readonly mean: number; readonly deviation: number } {
  let mean = 0;
  for (const value of cells) mean += value / area;
  let squares = 0;
  for (const value of cells) squares += (value - mean) ** 2;
  const norm = Math.sqrt(squares);
  for (let at = 0; at < area; at++) cells[at] = norm === 0 ? 0 : ((cells[at] ?? 0) - mean) / norm;
  return { mean, deviation: norm / side };
}

/** The signs of the lowest frequencies, row by row. */
function hashOf(cells: Float32Array): Uint16Array {
  const rows = new Float64Array(frequencies * side); // [u, y]
  for (let u = 0; u < frequencies; u++)
    for (let y = 0; y < side; y++) {
      let sum = 0;
      for (let x = 0; x < side; x++) sum += (basis[u * side + x] ?? 0) * (cells[y * side + x] ?? 0);
      rows[u * side + y] = sum;
    }
  const hash = new Uint16Array(bands);
  for (let v = 0; v < frequencies; v++)
    for (let u = 0; u < frequencies; u++) {
      let sum = 0;
      for (let y = 0; y < side; y++) sum += (basis[v * side + y] ?? 0) * (rows[u * side + y] ?? 0);
      const bit = v * frequencies + u;
      if (sum > 0) hash[bit >> 4] = (hash[bit >> 4] ?? 0) | (1 << (bit & 15));
    }
  return hash;
}

/** Of the levels of one channel, the middle one. */
function entropy(levels: ArrayLike<number>, channels: number): number {
  const counts = new Uint32Array(256);
  for (let at = channels >> 1; at < levels.length; at += channels) {
    const level = Math.round(levels[at] ?? 0);
    counts[level] = (counts[level] ?? 0) + 1;
  }
  const total = levels.length / channels;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return bits;
}
