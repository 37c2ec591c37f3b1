import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { pickTargets, type Targets } from "./data.ts";

/** The order of an epoch: a function of (seed, epoch). */
export function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  return stream(seed, "order", epoch).permutation(count);
}

/** Cuts an order into batches; the last may be smaller. */
export function cutBatches(order: Uint32Array, batchSize: number): readonly Uint32Array[] {
  const batches: Uint32Array[] = [];
  for (let start = 0; start < order.length; start += batchSize) batches.push(order.subarray(start, start + batchSize));
  return batches;
}

/** The targets of some samples as the loss expects them. Throws `data` when kind or width do not fit. */
export function targetTensor(
  targets: Targets,
  indices: Uint32Array,
  expected: { readonly dtype: string; readonly shape: readonly number[] },
  lossName: string,
): Tensor {
  const picked = pickTargets(targets, indices);
  if (expected.dtype === "int32") {
    if (picked.kind === "classes") return Tensor.of("int32", [indices.length], picked.labels);
    throw new GraftError(
      "data",
      `the loss "${lossName}" needs class indices, but the targets are rows of ${picked.width} numbers. Use categoricalCrossentropy or meanSquaredError.`,
    );
  }
  const width = expected.shape.slice(1).reduce((a, b) => a * b, 1);
  if (picked.kind === "classes" && width === 1) {
    return Tensor.of("float32", expected.shape, Float32Array.from(picked.labels));
  }
  if (picked.kind === "classes") {
    throw new GraftError(
      "data",
      `the loss "${lossName}" needs rows of ${width} numbers, but the targets are class indices. Use sparseCategoricalCrossentropy.`,
    );
  }
  if (picked.width === width) return Tensor.of("float32", expected.shape, picked.values);
  throw new GraftError("data", `the targets have ${picked.width} numbers a sample, the model gives ${width}.`);
}

/** Throws `data` when a class index is beyond the model's outputs. */
export function checkLabels(targets: Targets, classes: number): void {
  if (targets.kind !== "classes") return;
  const limit = Math.max(2, classes);
  const wrong = targets.labels.find((label) => label < 0 || label >= limit);
  if (wrong !== undefined) {
    throw new GraftError(
      "data",
      `the label ${wrong} does not fit a model with ${classes} outputs (labels 0 to ${limit - 1}).`,
    );
  }
}

/** The weight of each sample by its class; 1 without class weights. */
export function sampleWeights(
  targets: Targets,
  indices: Uint32Array,
  classWeights: readonly number[] | undefined,
): Tensor {
  const weights = Float32Array.from(indices, (index) => {
    if (classWeights === undefined || targets.kind !== "classes") return 1;
    return classWeights[targets.labels[index] ?? 0] ?? 1;
  });
  return Tensor.of("float32", [indices.length], weights);
}
