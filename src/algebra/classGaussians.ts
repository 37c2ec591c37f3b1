import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import { Tensor } from "../base/tensor.ts";
import { constant, constantOf, scalar, type Value } from "../graph/value.ts";
import { add, mul, sub } from "../ops/arithmetic.ts";
import { matmul } from "../ops/products.ts";
import { reduceMin, reduceSumSquare } from "../ops/reductions.ts";
import type { Compute } from "./compute.ts";
import { type Matrix, matrix, product } from "./matrix.ts";
import { crossProduct } from "./products.ts";
import { topEigenvectors } from "./topEigenvectors.ts";

/** Directions with a variance of their own; a quarter as many as the rows at most. */
const mostDirections = 32;
const rowsADirection = 4;
/** Of the mean variance: no direction counts as narrower, even where all rows agree. */
const leastVariance = 1e-6;

/**
 * A Gaussian a class, all with one covariance: some leading directions with a variance each, and one variance for all others (Tipping & Bishop 1999),
 * so that it holds with fewer rows than columns. Classes without rows have none.
 */
export interface ClassGaussians {
  /** [width] the mean of all rows. */
  readonly centre: Float64Array;
  /** [classes with rows, width] means, less the centre. */
  readonly means: Matrix;
  /** [width, directions] orthonormal. */
  readonly directions: Matrix;
  /** [directions] 1/λ − 1/σ². */
  readonly excess: Float64Array;
  /** 1/σ² of what lies in no direction. */
  readonly precision: number;
}

/** Throws `data` for too few rows to tell a variance, `diverged` for features that are no numbers. */
export async function fitClassGaussians(rows: Rows, labels: Int32Array, compute: Compute): Promise<ClassGaussians> {
  const { count, width } = rows;
  const { centre, means, places } = meansOf(rows, labels);
  const freedom = count - means.count;
  if (freedom < 1) {
    throw new GraftError("data", `class Gaussians: found ${count} rows of ${means.count} classes; expected more rows.`);
  }
  const residuals = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    const mean = places[i] * width;
    for (let k = 0; k < width; k++) {
      residuals[i * width + k] = rows.values[i * width + k] - centre[k] - means.values[mean + k];
    }
  }
  const scatter = matrix(count, width, residuals);
  const covariance = await crossProduct(scatter, scatter, compute);
  for (let at = 0; at < covariance.values.length; at++) covariance.values[at] /= freedom;
  let total = 0;
  for (let k = 0; k < width; k++) total += covariance.values[k * width + k];
  if (!Number.isFinite(total)) throw new GraftError("diverged", "class Gaussians: a feature is no finite number.");
  const wanted = Math.min(mostDirections, Math.floor(freedom / rowsADirection), width - 1);
  const leading = await leadingOf(covariance, wanted, compute);
  const least = (leastVariance * total) / width || 1;
  const variances = leading.variances.map((variance) => Math.max(variance, least));
  const rest = total - leading.variances.reduce((sum, variance) => sum + variance, 0);
  const precision = 1 / Math.max(least, rest / (width - wanted));
  const excess = variances.map((variance) => 1 / variance - precision);
  return { centre, means, directions: leading.directions, excess, precision };
}

/**
 * The squared Mahalanobis distance to the nearest class, a column on average 1 near the rows (Lee et al. 2018, equation 2): [N] of x [N, width].
 * (x − μ)ᵀP(x − μ) = xᵀPx − 2·xᵀ(Pμ) + μᵀPμ with P = σ⁻²·I + U·diag(excess)·Uᵀ, so that the classes cost one matrix product.
 */
export function nearestDistance(x: Value, gaussians: ClassGaussians): Value {
  const { centre, means, precision } = gaussians;
  const { count: classes, width } = means;
  const own = constantOf("int64", [1], [1]);
  const centred = sub(x, floats([1, width], centre, "unknown/centre"));
  const { kernel, squares } = pulledMeans(gaussians);
  const around = mul(reduceSumSquare(centred, own, { keepdims: 1 }), precision); // [N, 1]
  const towards = matmul(centred, floats([width, classes], kernel, "unknown/means")); // [N, classes]
  const distances = add(
    sub(add(around, alongDirections(centred, gaussians)), mul(towards, 2)),
    floats([1, classes], squares, "unknown/squares"),
  );
  return mul(reduceMin(distances, own, { keepdims: 0 }), scalar(1 / width));
}

/** Σ excess·(uᵀx)², [N, 1]; 0 without directions. */
function alongDirections(x: Value, { directions, excess }: ClassGaussians): Value | number {
  if (excess.length === 0) return 0;
  const projected = matmul(x, floats([directions.count, excess.length], directions.values, "unknown/directions"));
  return matmul(mul(projected, projected), floats([excess.length, 1], excess, "unknown/excess"));
}

function floats(shape: readonly number[], values: Float64Array, name: string): Value {
  return constant(Tensor.float32(shape, values), name);
}

/** Pμ of each class, [width, classes], and μᵀPμ. */
function pulledMeans({ means, directions, excess, precision }: ClassGaussians) {
  const { count: classes, width } = means;
  const along = product(means, directions); // [classes, directions]
  const kernel = new Float64Array(width * classes);
  const squares = new Float64Array(classes);
  for (let c = 0; c < classes; c++) {
    for (let k = 0; k < width; k++) {
      let pulled = precision * means.values[c * width + k];
      for (let d = 0; d < excess.length; d++) {
        pulled += excess[d] * along.values[c * excess.length + d] * directions.values[k * excess.length + d];
      }
      kernel[k * classes + c] = pulled;
      squares[c] += pulled * means.values[c * width + k];
    }
  }
  return { kernel, squares };
}

function meansOf({ values, count, width }: Rows, labels: Int32Array) {
  const present = [...new Set(labels)].sort((a, b) => a - b);
  const byLabel = new Map(present.map((label, place) => [label, place]));
  // [rows] which mean each row goes into.
  const places = Int32Array.from(labels, (label) => byLabel.get(label) ?? 0);
  const counts = new Float64Array(present.length);
  const means = matrix(present.length, width);
  const centre = new Float64Array(width);
  for (let i = 0; i < count; i++) {
    const place = places[i];
    counts[place]++;
    for (let k = 0; k < width; k++) {
      means.values[place * width + k] += values[i * width + k];
      centre[k] += values[i * width + k] / count;
    }
  }
  for (let c = 0; c < present.length; c++) {
    for (let k = 0; k < width; k++) means.values[c * width + k] = means.values[c * width + k] / counts[c] - centre[k];
  }
  return { centre, means, places };
}

async function leadingOf(covariance: Matrix, wanted: number, { signal }: Compute) {
  if (wanted === 0) return { variances: new Float64Array(0), directions: matrix(covariance.width, 0) };
  const operator = { size: covariance.width, apply: (x: Matrix) => product(covariance, x) };
  const { eigenvalues, eigenvectors } = await topEigenvectors(operator, wanted, { signal });
  return { variances: eigenvalues, directions: eigenvectors };
}
