import { stream } from "../base/random.ts";
import { enlarge, type HeatMap } from "./heatMap.ts";

/** The probability of one class for each of some images. */
export type ProbabilityOf = (images: readonly Float32Array[]) => Promise<readonly number[]>;

/** Areas under the probability while pixels go or come, the most important ones first; 0 to 1. */
export interface Faithfulness {
  /** Pixels of the image turn grey: low where the map holds what the class needs. */
  readonly deletion: number;
  /** Pixels of the image come into a blurred one: high where the map holds what the class needs. */
  readonly insertion: number;
}

export interface FaithfulnessOptions {
  /** Images between the first and the last of a curve. */
  readonly steps?: number;
}

const grey = 127.5;
/** Of the blur, in pixels, as in the authors' program: its reach to each side and its deviation. */
const blur = { radius: 5, deviation: 5 };

/**
 * Deletion and insertion (Petsiuk et al. 2018, §3.3): whether a map marks what the network looks at, or is only pretty.
 *
 * @param image [side, side, 3], levels of 0–255
 * @param map of any size, enlarged to the image's
 */
export async function faithfulness(
  image: Float32Array,
  side: number,
  map: HeatMap,
  probabilityOf: ProbabilityOf,
  { steps = 32 }: FaithfulnessOptions = {},
): Promise<Faithfulness> {
  const order = mostImportantFirst(enlarge(map, side));
  const hidden = new Float32Array(image.length).fill(grey);
  const deleted = exchanged(image, hidden, order, steps);
  const inserted = exchanged(blurred(image, side), image, order, steps);
  return { deletion: area(await probabilityOf(deleted)), insertion: area(await probabilityOf(inserted)) };
}

/** A map of noise with cells of the same size: what a map must beat to be more than a picture. */
export function randomMap({ width, height }: HeatMap, seed: number, draw: number): HeatMap {
  const random = stream(seed, "random map", 0, draw);
  return { width, height, values: Float64Array.from({ length: width * height }, () => random.uniform()) };
}

/** Pixels by falling importance, equal ones in the order of the image. */
function mostImportantFirst({ values }: HeatMap): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0) || a - b);
}

/** `from`, then ever more of its pixels as in `to`, `order` first to last, until it is `to`. */
function exchanged(from: Float32Array, to: Float32Array, order: Uint32Array, steps: number): readonly Float32Array[] {
  const current = from.slice();
  const images = [from];
  let done = 0;
  for (let step = 1; step <= steps; step++) {
    const until = Math.round((order.length * step) / steps);
    for (; done < until; done++) {
      const at = 3 * (order[done] ?? 0);
      current.set(to.subarray(at, at + 3), at);
    }
    images.push(current.slice());
  }
  return images;
}

/** Of a curve over 0 to 1, by trapezoids. */
function area(curve: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < curve.length; i++) sum += ((curve[i - 1] ?? 0) + (curve[i] ?? 0)) / 2;
  return sum / Math.max(1, curve.length - 1);
}

/** Gaussian, rows then columns; at the border the outermost pixels go on. */
function blurred(image: Float32Array, side: number): Float32Array {
  const { radius, deviation } = blur;
  const offsets = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius);
  const kernel = offsets.map((offset) => Math.exp(-(offset ** 2) / (2 * deviation ** 2)));
  return blurredAlong(blurredAlong(image, side, kernel, 1), side, kernel, side);
}

/** @param stride pixels from one neighbour to the next: 1 in a row, `side` in a column */
function blurredAlong(image: Float32Array, side: number, kernel: readonly number[], stride: number): Float32Array {
  const radius = (kernel.length - 1) / 2;
  const total = kernel.reduce((a, b) => a + b);
  const result = new Float32Array(image.length);
  for (let pixel = 0; pixel < side * side; pixel++) {
    const place = Math.floor(pixel / stride) % side;
    for (const [i, weight] of kernel.entries()) {
      const shift = Math.min(side - 1, Math.max(0, place + i - radius)) - place;
      const from = 3 * (pixel + shift * stride);
      for (let channel = 0; channel < 3; channel++)
        result[3 * pixel + channel] =
          (result[3 * pixel + channel] ?? 0) + (weight / total) * (image[from + channel] ?? 0);
    }
  }
  return result;
}
