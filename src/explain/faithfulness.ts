import { stream } from "../base/random.ts";
import { enlarge, type HeatMap } from "./heatMap.ts";
import { imputed } from "./imputation.ts";
import type { ScoreOf } from "./occlusion.ts";

/** Means of the class's score over images of which a tenth, two tenths … of the pixels are missing. */
export interface Faithfulness {
  /** The most important pixels are gone: low where the map holds what the class needs. */
  readonly deletion: number;
  /** Only the most important pixels are there: high where the map holds what the class needs. */
  readonly insertion: number;
}

export interface FaithfulnessOptions {
  /** Parts of the image by which pixels go; the whole image, and none of it, are alike for all maps and left out. Default 10. */
  readonly steps?: number;
  /** Draws in which order pixels go that a map holds for equal. */
  readonly seed?: number;
}

/** The draw of noise that orders equal pixels: none that a map is compared with. */
const tieBreaker = 2 ** 32;

/**
 * Deletion and insertion (Petsiuk et al. 2018, §3.3) of some maps of one image: whether a map marks what the network looks at, or is only pretty.
 *
 * What is missing is imputed from the pixels that are left, so that neither a plain colour, to which a network has an answer of its own, nor the edges of
 * patches, which scattered noise has more of than any map, count for evidence (Hooker et al. 2019, §2; Rong et al. 2022, §4). Insertion is then deletion with the
 * least important pixels first (Samek et al. 2017, §III).
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
  { steps = 10, seed = 0 }: FaithfulnessOptions = {},
): Promise<readonly Faithfulness[]> {
  const found: Faithfulness[] = [];
  for (const map of maps) {
    const order = mostImportantFirst(enlarge(map, side), enlarge(randomMap(map, seed, tieBreaker), side));
    const deleted = await scoreOf([...remaining(image, side, order, { steps, isFirstLeft: false })]);
    const inserted = await scoreOf([...remaining(image, side, order, { steps, isFirstLeft: true })]);
    found.push({ deletion: mean(deleted), insertion: mean(inserted) });
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

/** The image with only the first pixels of the order, or without them, for ever more of them: the others as their neighbours have them. */
function* remaining(
  image: Float32Array,
  side: number,
  order: Uint32Array,
  { steps, isFirstLeft }: { readonly steps: number; readonly isFirstLeft: boolean },
): Generator<Float32Array> {
  for (let step = 1; step < steps; step++) {
    const first = order.subarray(0, Math.round((order.length * step) / steps));
    const isThere = new Uint8Array(order.length).fill(isFirstLeft ? 0 : 1);
    for (const pixel of first) isThere[pixel] = isFirstLeft ? 1 : 0;
    yield imputed(image, side, isThere);
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
