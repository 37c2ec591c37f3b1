import { stream } from "../base/random.ts";
import { enlarge, type HeatMap } from "./heatMap.ts";
import type { ScoreOf } from "./occlusion.ts";

/** Means of the class's score while pixels go or come, the most important ones first. */
export interface Faithfulness {
  /** Pixels of the image are blurred away: low where the map holds what the class needs. */
  readonly deletion: number;
  /** Pixels of the image come into the blurred one: high where the map holds what the class needs. */
  readonly insertion: number;
}

export interface FaithfulnessOptions {
  /** Images between the first and the last of a curve. */
  readonly steps?: number;
  /** Draws in which order pixels go that a map holds for equal. */
  readonly seed?: number;
}

/** The draw of noise that orders equal pixels: none that a map is compared with. */
const tieBreaker = 2 ** 32;
/** Deviation of the blur as a share of the side: 10 pixels of 224 (Fong & Vedaldi 2017, §4.1). */
const blurShare = 10 / 224;

/**
 * Deletion and insertion (Petsiuk et al. 2018, §3.3) of some maps of one image: whether a map marks what the network looks at, or is only pretty.
 *
 * Both run between the image and one blurred picture of it, so that insertion is deletion with the least important pixels first (Samek et al. 2017, §III).
 * A plain colour instead, as the authors take for deletion, is no absence of evidence: a network has an answer to it, often a sure one, and
 * the edges of plain patches are unlike all that it has seen (Hooker et al. 2019, §2; Rong et al. 2022, §3).
 *
 * @param image [side, side, 3], levels of 0–255
 * @param maps of any size, enlarged to the image's
 * @param scoreOf best the log-odds of the class: the verdict over several maps then does not change with a temperature
 */
export async function faithfulness(
  image: Float32Array,
  side: number,
  maps: readonly HeatMap[],
  scoreOf: ScoreOf,
  { steps = 16, seed = 0 }: FaithfulnessOptions = {},
): Promise<readonly Faithfulness[]> {
  const hidden = blurred(image, side, blurShare * side);
  const found: Faithfulness[] = [];
  for (const map of maps) {
    const order = mostImportantFirst(enlarge(map, side), enlarge(randomMap(map, seed, tieBreaker), side));
    const deleted = await scoreOf(exchanged(image, hidden, order, steps));
    const inserted = await scoreOf(exchanged(hidden, image, order, steps));
    found.push({ deletion: meanOver(deleted), insertion: meanOver(inserted) });
  }
  return found;
}

/** A map of noise with cells of the same size: what a map must beat to be more than a picture. */
export function randomMap({ width, height }: HeatMap, seed: number, draw: number): HeatMap {
  const random = stream(seed, "random map", 0, draw);
  return { width, height, values: Float64Array.from({ length: width * height }, () => random.uniform()) };
}

/** Pixels by falling importance, those of equal importance by noise: what a map says nothing of must not gain by where it lies. */
function mostImportantFirst({ values }: HeatMap, { values: noise }: HeatMap): Uint32Array {
  return Uint32Array.from(values.keys()).sort(
    (a, b) => (values[b] ?? 0) - (values[a] ?? 0) || (noise[b] ?? 0) - (noise[a] ?? 0) || a - b,
  );
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
function meanOver(curve: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < curve.length; i++) sum += ((curve[i - 1] ?? 0) + (curve[i] ?? 0)) / 2;
  return sum / Math.max(1, curve.length - 1);
}

/** Gaussian, rows then columns, to three deviations; at the border the outermost pixels go on. */
function blurred(image: Float32Array, side: number, deviation: number): Float32Array {
  const radius = Math.ceil(3 * deviation);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * deviation ** 2)),
  );
  const total = weights.reduce((a, b) => a + b);
  const kernel = weights.map((weight) => weight / total);
  return blurredAlong(blurredAlong(image, side, kernel, 1), side, kernel, side);
}

/** @param stride pixels from one neighbour to the next: 1 in a row, `side` in a column */
function blurredAlong(image: Float32Array, side: number, kernel: Float64Array, stride: number): Float32Array {
  const radius = (kernel.length - 1) / 2;
  const result = new Float32Array(image.length);
  for (let pixel = 0; pixel < side * side; pixel++) {
    const place = Math.floor(pixel / stride) % side;
    const first = pixel - place * stride;
    let [red, green, blue] = [0, 0, 0];
    for (let i = 0; i < kernel.length; i++) {
      const from = 3 * (first + stride * Math.min(side - 1, Math.max(0, place + i - radius)));
      const weight = kernel[i] ?? 0;
      red += weight * (image[from] ?? 0);
      green += weight * (image[from + 1] ?? 0);
      blue += weight * (image[from + 2] ?? 0);
    }
    result.set([red, green, blue], 3 * pixel);
  }
  return result;
}
