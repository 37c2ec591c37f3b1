import { type Matrix, matrixOf, product, transposed } from "../algebra/matrix.ts";
import { topEigenvectors } from "../algebra/topEigenvectors.ts";
import type { HeatMap } from "./heatMap.ts";
import type { FeatureMaps } from "./probe.ts";

/**
 * Eigen-CAM (Muhammad & Yeasin 2020, equations 2 to 4): the maps projected on their first principal direction, O·v₁ with O = UΣVᵀ [H·W, C].
 * It asks for no class and no gradient, so it shows what stands out and not what decides.
 */
export async function eigenCam({ channels, height, width, values }: FeatureMaps): Promise<HeatMap> {
  const maps = matrixOf({ values, count: channels, width: height * width });
  const cells = transposed(maps); // O
  const covariance = { size: channels, apply: (x: Matrix) => product(maps, product(cells, x)) };
  const { eigenvectors } = await topEigenvectors(covariance, 1);
  const projected = product(cells, eigenvectors).values;
  // A principal direction has no sign of its own: towards the activations is for the object.
  const sum = projected.reduce((total, value) => total + value, 0);
  return { width, height, values: Float64Array.from(projected, (value) => (sum < 0 ? -value : value)) };
}
