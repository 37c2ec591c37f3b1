import type { Rows } from "../base/rows.ts";

/**
 * The class of the nearest class centroid, by the cosine, for each row (Liang, Hu & Feng 2020, eq. 4–6): centroids are first the means of all rows by the
 * probabilities of a classifier, then those of the labels that these give. A class that no row has keeps its first centroid.
 * Rows count as of length one, as in the authors' code.
 *
 * @param probabilities row by row
 */
export function centroidLabels(features: Rows, probabilities: Float32Array, classes: number): Int32Array {
  const rows = ofLengthOne(features);
  const soft = centroids(rows, classes, (row, label) => probabilities[row * classes + label] ?? 0);
  const first = nearest(rows, soft, classes);
  const hard = centroids(rows, classes, (row, label) => Number(first[row] === label));
  const present = new Set(first);
  for (let label = 0; label < classes; label++) {
    if (present.has(label)) continue;
    hard.set(soft.subarray(label * rows.width, (label + 1) * rows.width), label * rows.width);
  }
  return nearest(rows, hard, classes);
}

function ofLengthOne({ values, count, width }: Rows): Rows {
  const scaled = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    let square = 0;
    for (let j = 0; j < width; j++) square += (values[row * width + j] ?? 0) ** 2;
    const factor = square === 0 ? 0 : 1 / Math.sqrt(square);
    for (let j = 0; j < width; j++) scaled[row * width + j] = factor * (values[row * width + j] ?? 0);
  }
  return { values: scaled, count, width };
}

/** The weighted sum of rows for each class, [classes, width]: the cosine does not ask for its length. */
function centroids(
  { values, count, width }: Rows,
  classes: number,
  weightOf: (row: number, label: number) => number,
): Float64Array {
  const sums = new Float64Array(classes * width);
  for (let row = 0; row < count; row++) {
    for (let label = 0; label < classes; label++) {
      const weight = weightOf(row, label);
      if (weight === 0) continue;
      for (let j = 0; j < width; j++)
        sums[label * width + j] = (sums[label * width + j] ?? 0) + weight * (values[row * width + j] ?? 0);
    }
  }
  return sums;
}

function nearest({ values, count, width }: Rows, centres: Float64Array, classes: number): Int32Array {
  const lengths = Array.from({ length: classes }, (_, label) => {
    const centre = centres.subarray(label * width, (label + 1) * width);
    return Math.sqrt(centre.reduce((sum, value) => sum + value * value, 0));
  });
  return Int32Array.from({ length: count }, (_, row) => {
    let best = 0;
    let largest = Number.NEGATIVE_INFINITY;
    for (const [label, length] of lengths.entries()) {
      let product = 0;
      for (let j = 0; j < width; j++) product += (values[row * width + j] ?? 0) * (centres[label * width + j] ?? 0);
      const cosine = length === 0 ? Number.NEGATIVE_INFINITY : product / length;
      if (cosine > largest) [best, largest] = [label, cosine];
    }
    return best;
  });
}
