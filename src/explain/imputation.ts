/** Weights of the four neighbours of a pixel and of the four across its corners (Rong et al. 2022, §4.2), which sum to 1. */
const beside = 1 / 6;
const across = 1 / 12;
/** Rounds through the missing pixels at each size; coarser sizes have brought what lies far off. */
const rounds = 12;
/** Over-relaxation. */
const reach = 1.5;

/**
 * The image with the missing pixels as their neighbours have them: each the weighted mean of the eight around it, which is the solution of a linear system
 * (Rong, Leemann, Borisov, Kasneci & Kasneci 2022, §4.2, without the noise). Found from coarse to fine: a pyramid of means of the pixels that are there, and some rounds
 * of Gauss and Seidel at each of its sizes. Where nothing is left all is gray.
 *
 * @param image [side, side, 3]
 * @param isThere one a pixel: 1 where it is left, 0 where it is missing
 */
export function imputed(image: Float32Array, side: number, isThere: Uint8Array): Float32Array {
  return solved({ values: image, weights: Float32Array.from(isThere), side });
}

interface Level {
  /** [side, side, 3] */
  readonly values: Float32Array;
  /** [side, side]: 0 where a pixel is missing. */
  readonly weights: Float32Array;
  readonly side: number;
}

function solved(level: Level): Float32Array {
  const { values, weights, side } = level;
  const result = values.slice();
  const missing = Uint32Array.from(weights.keys()).filter((pixel) => weights[pixel] === 0);
  if (missing.length === 0) return result;
  if (missing.length === weights.length) return result.fill(127.5);
  const coarse = halved(level);
  const guess = solved(coarse);
  for (const pixel of missing) {
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    const at = 3 * ((y >> 1) * coarse.side + (x >> 1));
    for (let c = 0; c < 3; c++) result[3 * pixel + c] = guess[at + c] ?? 0;
  }
  for (let round = 0; round < rounds; round++) for (const pixel of missing) relax(result, side, pixel);
  return result;
}

/** Half the size: each pixel the mean of those of four that are there. */
function halved({ values, weights, side }: Level): Level {
  const half = Math.ceil(side / 2);
  const means = new Float32Array(3 * half * half);
  const sums = new Float32Array(half * half);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const pixel = y * side + x;
      if (weights[pixel] === 0) continue;
      const to = (y >> 1) * half + (x >> 1);
      sums[to] = (sums[to] ?? 0) + 1;
      for (let c = 0; c < 3; c++) means[3 * to + c] = (means[3 * to + c] ?? 0) + (values[3 * pixel + c] ?? 0);
    }
  }
  for (let i = 0; i < means.length; i++) means[i] = (means[i] ?? 0) / Math.max(1, sums[Math.floor(i / 3)] ?? 0);
  return { values: means, weights: sums, side: half };
}

/** A pixel nearer to the weighted mean of its neighbours; those beyond the border are as the nearest at it. */
function relax(values: Float32Array, side: number, pixel: number): void {
  const x = pixel % side;
  const y = (pixel - x) / side;
  const left = x > 0 ? -3 : 0;
  const right = x < side - 1 ? 3 : 0;
  const up = y > 0 ? -3 * side : 0;
  const down = y < side - 1 ? 3 * side : 0;
  for (let at = 3 * pixel; at < 3 * pixel + 3; at++) {
    const old = values[at] ?? 0;
    const near =
      (values[at + left] ?? 0) + (values[at + right] ?? 0) + (values[at + up] ?? 0) + (values[at + down] ?? 0);
    const far =
      (values[at + up + left] ?? 0) +
      (values[at + up + right] ?? 0) +
      (values[at + down + left] ?? 0) +
      (values[at + down + right] ?? 0);
    values[at] = old + reach * (beside * near + across * far - old);
  }
}
