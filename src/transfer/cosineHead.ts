import { Tensor } from "../base/tensor.ts";
import { constantOf, type Value } from "../graph/value.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { softmax } from "../ops/activations.ts";
import { div, max, mul } from "../ops/arithmetic.ts";
import { matmul } from "../ops/products.ts";
import { reduceL2 } from "../ops/reductions.ts";
import { cutBatches } from "../train/batches.ts";
import type { TrainingData } from "../train/data.ts";
import type { Weights } from "./strategy.ts";

const name = "head";
/** Where no image can be left out to measure a better one; of Gidaris & Komodakis 2018, §3.1. */
const usualScale = 10;
const scales = [2.5, 5, 10, 20, 40, 80];
const rowsAtOnce = 1024;

/** softmax(s·cos(x, wᵢ)): how alike a feature and each class's direction are, whatever their lengths (Gidaris & Komodakis 2018, eq. 2). */
export function cosineClassifier(classes: number): Layer {
  return moduleLayer(name, (scope, x) => {
    const width = Number(x.shape[1]);
    const kernel = scope.param("kernel", [width, classes], {
      initializer: "glorotUniform",
      fanIn: width,
      fanOut: classes,
    });
    const scale = scope.param("scale", [1], { initializer: "ones" });
    return softmax(mul(matmul(unit(x, 1), unit(kernel, 0)), scale), { axis: 1 });
  });
}

/** Divided by the length along an axis; zeros stay. */
export function unit(x: Value, axis: number): Value {
  return div(x, max(reduceL2(x, constantOf("int64", [1], [axis]), { keepdims: 1 }), 1e-12));
}

/**
 * Each class's mean of unit-length features [N, width] as its direction (Snell et al. 2017, eq. 1; Qi et al. 2018, §3.1), and the scale with the
 * least loss when each image is judged by the means of all others.
 */
export async function classMeans(data: TrainingData, classes: number): Promise<Weights> {
  const [width = 0] = data.inputShape;
  const labels = data.targets.kind === "classes" ? data.targets.labels : new Int32Array(data.count);
  const sums = new Float64Array(classes * width);
  const counts = new Float64Array(classes);
  for await (const { row, feature } of unitFeatures(data)) {
    const label = labels[row] ?? 0;
    counts[label] = (counts[label] ?? 0) + 1;
    for (let k = 0; k < width; k++) sums[label * width + k] = (sums[label * width + k] ?? 0) + (feature[k] ?? 0);
  }
  const squaredLengths = Array.from(counts, (_, c) => squaresOf(sums.subarray(c * width, (c + 1) * width)));
  const losses = scales.map(() => 0);
  let judged = 0;
  for await (const { row, feature } of unitFeatures(data)) {
    const label = labels[row] ?? 0;
    // A class of one image has no mean without it.
    if ((counts[label] ?? 0) < 2) continue;
    const cosines = squaredLengths.map((squares, c) => {
      const product = dot(feature, sums, c * width);
      return c === label ? cosineWithout(product, squares) : product / (Math.sqrt(squares) || 1);
    });
    for (const [i, scale] of scales.entries()) losses[i] = (losses[i] ?? 0) + crossEntropy(cosines, label, scale);
    judged++;
  }
  const least = scales[losses.indexOf(Math.min(...losses))];
  const kernel = new Float32Array(width * classes);
  for (let c = 0; c < classes; c++) {
    const mean = sums.subarray(c * width, (c + 1) * width);
    const length = lengthOf(mean) || 1;
    for (let k = 0; k < width; k++) kernel[k * classes + c] = (mean[k] ?? 0) / length;
  }
  return new Map([
    [`${name}/kernel`, Tensor.of("float32", [width, classes], kernel)],
    [`${name}/scale`, Tensor.float32([1], [judged === 0 || least === undefined ? usualScale : least])],
  ]);
}

function squaresOf(vector: Float32Array | Float64Array): number {
  let squares = 0;
  for (let k = 0; k < vector.length; k++) squares += (vector[k] ?? 0) ** 2;
  return squares;
}

function lengthOf(vector: Float32Array | Float64Array): number {
  return Math.sqrt(squaresOf(vector));
}

function dot(x: Float32Array, sums: Float64Array, offset: number): number {
  let product = 0;
  for (let k = 0; k < x.length; k++) product += (x[k] ?? 0) * (sums[offset + k] ?? 0);
  return product;
}

/** cos(x, sum − x) for x of length one, from x·sum and ‖sum‖². */
function cosineWithout(product: number, squares: number): number {
  const left = squares - 2 * product + 1;
  return left <= 1e-12 ? 0 : (product - 1) / Math.sqrt(left);
}

function crossEntropy(cosines: readonly number[], label: number, scale: number): number {
  const total = cosines.reduce((sum, one) => sum + Math.exp(scale * (one - 1)), 0);
  return Math.log(total) - scale * ((cosines[label] ?? 0) - 1);
}

async function* unitFeatures(data: TrainingData) {
  const [width = 0] = data.inputShape;
  const all = Uint32Array.from({ length: data.count }, (_, i) => i);
  for (const batch of cutBatches(all, rowsAtOnce)) {
    const { floats } = await data.load(batch, undefined);
    for (const [i, row] of batch.entries()) {
      const feature = floats.slice(i * width, (i + 1) * width);
      const length = lengthOf(feature) || 1;
      for (let k = 0; k < width; k++) feature[k] = (feature[k] ?? 0) / length;
      yield { row, feature };
    }
  }
}
