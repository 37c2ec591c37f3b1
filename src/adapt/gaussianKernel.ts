import type { Rows } from "../base/rows.ts";
import type { Steps } from "../base/steps.ts";

/** Rows whose distances the median is taken from, at most. */
const medianRows = 500;

/** ‖aᵢ − bⱼ‖² as [a, b], by differences: no cancellation, whatever the mean. Of a set with itself each pair is computed once. */
export function* distancesByDifferences(a: Rows, b: Rows): Steps<Float64Array> {
  const distances = new Float64Array(a.count * b.count);
  const isSame = a === b;
  for (let i = 0; i < a.count; i++) {
    yield { done: i, total: a.count };
    for (let j = isSame ? i + 1 : 0; j < b.count; j++) {
      const distance = squaredDistance(a, i, b, j);
      distances[i * b.count + j] = distance;
      if (isSame) distances[j * b.count + i] = distance;
    }
  }
  return distances;
}

/** exp(−d² / 2σ²) in the place of each squared distance. */
export function gaussian(squares: Float64Array, width: number): Float64Array {
  const factor = -1 / (2 * width * width);
  return squares.map((square) => Math.exp(factor * square));
}

/** The median distance between rows of both sets together: the usual width of a kernel (Gretton et al. 2012, §8). Zero where all are equal. */
export function* medianDistance(a: Rows, b: Rows): Steps<number> {
  const total = a.count + b.count;
  const chosen = Math.min(total, medianRows);
  const places = Array.from({ length: chosen }, (_, i) => Math.floor((i * total) / chosen));
  const at = (place: number): readonly [Rows, number] => (place < a.count ? [a, place] : [b, place - a.count]);
  const squares: number[] = [];
  for (const [done, first] of places.entries()) {
    yield { done, total: chosen };
    for (const second of places.slice(done + 1)) squares.push(squaredDistance(...at(first), ...at(second)));
  }
  const sorted = Float64Array.from(squares).sort();
  return Math.sqrt(sorted[sorted.length >> 1] ?? 0);
}

function squaredDistance(a: Rows, i: number, b: Rows, j: number): number {
  const { width } = a;
  const [first, second] = [a.values, b.values];
  let sum = 0;
  for (let k = 0, p = i * width, q = j * width; k < width; k++) {
    const difference = (first[p++] ?? 0) - (second[q++] ?? 0);
    sum += difference * difference;
  }
  return sum;
}
