import type { HeatMap } from "./heatMap.ts";

/** The score of a class for each of some images. */
export type ScoreOf = (images: readonly Float32Array[]) => Promise<readonly number[]>;

export interface OcclusionOptions {
  /** Side of the patch that hides a part, in pixels. Default: an eighth of the image. */
  readonly patch?: number;
  /** Pixels between patches. Default: half a patch. */
  readonly stride?: number;
  /** The level of the patch: the middle of 0–255. */
  readonly level?: number;
}

/**
 * Occlusion (Zeiler & Fergus 2014, §4.2): how much the score falls when a grey patch hides a part; a pixel gets the mean over the patches that
 * hide it. The last patches end at the border, so that every pixel is hidden as a whole.
 *
 * @param image [side, side, 3]
 */
export async function occlusion(
  image: Float32Array,
  side: number,
  scoreOf: ScoreOf,
  options: OcclusionOptions = {},
): Promise<HeatMap> {
  const { patch = Math.max(1, Math.round(side / 8)), level = 127.5 } = options;
  const { stride = Math.max(1, Math.floor(patch / 2)) } = options;
  const starts = startsOf(side, patch, stride);
  const [whole = 0] = await scoreOf([image]);
  const sum = new Float64Array(side * side);
  const count = new Float64Array(side * side);
  for (const top of starts) {
    const scores = await scoreOf(starts.map((left) => hide(image, side, { top, left, patch, level })));
    for (const [i, left] of starts.entries()) {
      for (const at of pixelsWithin(side, top, left, patch)) {
        sum[at] = (sum[at] ?? 0) + whole - (scores[i] ?? 0);
        count[at] = (count[at] ?? 0) + 1;
      }
    }
  }
  return { width: side, height: side, values: sum.map((fall, at) => fall / (count[at] || 1)) };
}

function startsOf(side: number, patch: number, stride: number): readonly number[] {
  const last = Math.max(0, side - patch);
  const starts: number[] = [];
  for (let at = 0; at < last; at += stride) starts.push(at);
  return [...starts, last];
}

function hide(
  image: Float32Array,
  side: number,
  {
    top,
    left,
    patch,
    level,
  }: { readonly top: number; readonly left: number; readonly patch: number; readonly level: number },
): Float32Array {
  const copy = image.slice();
  for (const at of pixelsWithin(side, top, left, patch)) copy.fill(level, 3 * at, 3 * at + 3);
  return copy;
}

function* pixelsWithin(side: number, top: number, left: number, patch: number): Generator<number> {
  for (let y = top; y < Math.min(side, top + patch); y++)
    for (let x = left; x < Math.min(side, left + patch); x++) yield y * side + x;
}
