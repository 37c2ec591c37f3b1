import { GraftError } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";

/** What a model learns from or is measured on: samples by index, loaded a batch at a time. */
export interface TrainingData {
  readonly count: number;
  /** The shape of one sample, channels last. */
  readonly inputShape: readonly number[];
  readonly inputDType: "float32" | "uint8";
  readonly targets: Targets;
  /**
   * The targets of an epoch, where they depend on its augmentation or on how far training is; `targets` without. They hold until the next call.
   *
   * @param share of the epoch's steps that are done; 0 without
   */
  targetsOf?(epoch: number, share?: number): Targets | Promise<Targets>;
  /** The order of an epoch, a function of (seed, epoch), where batches are to be mixed in a certain way; samples may come twice. Default: all, shuffled. */
  order?(seed: number, epoch: number): Uint32Array;
  /** Inputs of these samples, [N, …inputShape]. `epoch` selects the augmentation draw; without it there is none. */
  load(indices: Uint32Array, epoch: number | undefined): Promise<Tensor>;
}

/** One target per sample: a class index, or a row of numbers. */
export type Targets =
  | { readonly kind: "classes"; readonly labels: Int32Array }
  | { readonly kind: "values"; readonly width: number; readonly values: Float32Array };

export interface ArraysInput {
  /** All samples one after another, channels last. */
  readonly x: Float32Array | Uint8Array;
  /** Class indices (Int32Array or whole numbers), or rows of values as one Float32Array. */
  readonly y: Int32Array | Uint8Array | Float32Array | readonly number[];
  /** The shape of one sample. */
  readonly inputShape: readonly number[];
}

/** Training data from arrays in memory. Throws `data` when lengths do not fit. */
export function arrays({ x, y, inputShape }: ArraysInput): TrainingData {
  const size = sizeOf(inputShape);
  const count = x.length / size;
  if (!Number.isInteger(count) || count === 0) {
    throw new GraftError(
      "data",
      `x has ${x.length} numbers, which is no multiple of the ${size} of a sample [${inputShape}].`,
    );
  }
  const inputDType = x instanceof Uint8Array ? "uint8" : "float32";
  return {
    count,
    inputShape,
    inputDType,
    targets: targetsOf(y, count),
    async load(indices) {
      const batch =
        x instanceof Uint8Array ? new Uint8Array(indices.length * size) : new Float32Array(indices.length * size);
      indices.forEach((index, i) => {
        batch.set(x.subarray(index * size, (index + 1) * size), i * size);
      });
      return Tensor.of(inputDType, [indices.length, ...inputShape], batch);
    },
  };
}

/** Some samples of `data`, by index. */
export function subset(data: TrainingData, indices: Uint32Array): TrainingData {
  const pick = (batch: Uint32Array) => batch.map((i) => indices[i] ?? 0);
  const { targetsOf } = data;
  return {
    ...data,
    ...(targetsOf === undefined
      ? {}
      : {
          targetsOf: async (epoch: number, share?: number) => pickTargets(await targetsOf(epoch, share), indices),
        }),
    count: indices.length,
    targets: pickTargets(data.targets, indices),
    load: (batch, epoch) => data.load(pick(batch), epoch),
  };
}

/** The targets of some samples, in order. */
export function pickTargets(targets: Targets, indices: Uint32Array): Targets {
  if (targets.kind === "classes")
    return { kind: "classes", labels: Int32Array.from(indices, (i) => targets.labels[i] ?? 0) };
  const { width, values } = targets;
  const picked = new Float32Array(indices.length * width);
  indices.forEach((index, i) => {
    picked.set(values.subarray(index * width, (index + 1) * width), i * width);
  });
  return { kind: "values", width, values: picked };
}

function targetsOf(y: ArraysInput["y"], count: number): Targets {
  if (y.length === 0 || y.length % count !== 0) {
    throw new GraftError("data", `y has ${y.length} entries for ${count} samples; expected one row for each sample.`);
  }
  if (y instanceof Float32Array) return { kind: "values", width: y.length / count, values: y };
  const labels = Int32Array.from(y);
  const wrong = y.length === count ? Array.from(y).findIndex((label, i) => label !== labels[i] || label < 0) : 0;
  if (wrong >= 0)
    throw new GraftError("data", `y: entry ${wrong} is not a class index; expected one whole number ≥ 0 a sample.`);
  return { kind: "classes", labels };
}
