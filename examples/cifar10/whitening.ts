import { Tensor } from "../../src/base/tensor.ts";
import { whiteningKernelSize as kernel, normalisedLevel, whiteningFilters } from "./network.ts";

const side = 32;
const size = 3 * kernel * kernel;

/**
 * Filters whose answers to the images' patches have covariance one: eigenvectors of the patches' covariance over the roots of
 * their eigenvalues, and their negatives, so that relu loses nothing.
 *
 * @param images uint8 [N, 32, 32, 3]
 * @returns float32 [filters, 3, 2, 2]
 */
export function whiteningKernel(images: Tensor): Tensor {
  const { values, vectors } = symmetricEigen(patchCovariance(images), size);
  const rows = vectors.map((vector, i) => vector.map((entry) => entry / Math.sqrt(values[i] + 5e-4)));
  const all = [...rows, ...rows.map((row) => row.map((entry) => -entry))];
  return Tensor.float32([whiteningFilters, 3, kernel, kernel], all.flat());
}

/** The covariance of all patches, in the order channel, row, column. */
function patchCovariance(images: Tensor): Float64Array {
  const count = images.shape[0] ?? 0;
  const covariance = new Float64Array(size * size);
  const patch = new Float64Array(size);
  let patches = 0;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y + kernel <= side; y += 2) {
      for (let x = 0; x + kernel <= side; x += 2) {
        for (let i = 0; i < size; i++) {
          const [channel, place] = [Math.floor(i / kernel ** 2), i % kernel ** 2];
          const [row, column] = [Math.floor(place / kernel), place % kernel];
          const at = ((image * side + y + row) * side + x + column) * 3 + channel;
          patch[i] = normalisedLevel(images.bytes[at] ?? 0, channel);
        }
        for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) covariance[i * size + j] += patch[i] * patch[j];
        patches++;
      }
    }
  }
  return covariance.map((value) => value / patches);
}

/** Eigenvalues and eigenvectors (rows) of a symmetric matrix by Jacobi rotations (Golub & Van Loan, algorithm 8.5.2). */
function symmetricEigen(matrix: Float64Array, n: number): { values: number[]; vectors: number[][] } {
  const a = Array.from({ length: n }, (_, i) => [...matrix.subarray(i * n, (i + 1) * n)]);
  const v = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p][q]) < 1e-15) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotate(a, v, p, q, c, t * c);
      }
    }
  }
  return { values: a.map((row, i) => row[i]), vectors: v };
}

function rotate(a: number[][], v: number[][], p: number, q: number, c: number, s: number): void {
  for (const row of a) [row[p], row[q]] = [c * row[p] - s * row[q], s * row[p] + c * row[q]];
  const [ap, aq] = [a[p], a[q]];
  a[p] = ap.map((value, i) => c * value - s * aq[i]);
  a[q] = ap.map((value, i) => s * value + c * aq[i]);
  const [vp, vq] = [v[p], v[q]];
  v[p] = vp.map((value, i) => c * value - s * vq[i]);
  v[q] = vp.map((value, i) => s * value + c * vq[i]);
}
