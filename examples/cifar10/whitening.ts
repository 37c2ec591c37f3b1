import { symmetricEigen } from "../../src/algebra/eigen.ts";
import { type Matrix, matrix } from "../../src/algebra/matrix.ts";
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
  const { eigenvalues, eigenvectors } = symmetricEigen(patchCovariance(images));
  const rows = Array.from(eigenvalues, (eigenvalue, column) =>
    Array.from({ length: size }, (_, i) => eigenvectors.values[i * size + column] / Math.sqrt(eigenvalue + 5e-4)),
  );
  const all = [...rows, ...rows.map((row) => row.map((entry) => -entry))];
  return Tensor.float32([whiteningFilters, 3, kernel, kernel], all.flat());
}

/** The covariance of all patches, in the order channel, row, column. */
function patchCovariance(images: Tensor): Matrix {
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
  return matrix(
    size,
    size,
    covariance.map((value) => value / patches),
  );
}
