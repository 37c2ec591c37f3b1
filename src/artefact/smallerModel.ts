import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { substitute } from "../graph/substitute.ts";
import { leavesOf } from "../graph/traverse.ts";
import { constant, constantOf, input, type Value } from "../graph/value.ts";
import type { Model } from "../onnx/model.ts";
import { readModel } from "../onnx/read.ts";
import { widenTensor } from "../onnx/widen.ts";
import { writeModel } from "../onnx/write.ts";
import { cast } from "../ops/comparison.ts";
import { foldBatchNorm } from "../ops/foldBatchNorm.ts";
import { importModel } from "../ops/importModel.ts";
import { concat, reshape } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { dequantizeLinear } from "../ops/quantisation.ts";
import { type Measured, quantisationPlan, quantise, type ValueRange, weightSteps } from "../ops/quantise.ts";
import { reduceMax, reduceMin } from "../ops/reductions.ts";
import { stretchConstants } from "../ops/stretchConstants.ts";
import type { Engine } from "../platform/platform.ts";
import { unknownOutput } from "./statedTrust.ts";

/** Smaller tensors are not worth a rounding. */
const smallest = 64;

/** A served model's file. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  /** For messages. */
  readonly name: string;
}

/**
 * The model with its weights in float16, widened when it is loaded: half the size, float32 as ever in between. Every weight is off by up to
 * 2⁻¹¹ of itself. Throws `model` where a weight is beyond float16's largest number.
 */
export async function withHalfWeights(file: ServedFile, engine: Engine): Promise<Uint8Array> {
  const graph = openGraph(file);
  const large = leavesOf(graph.outputs).filter(({ source }) => isLargeFloat(source));
  const halves = await computed(
    large.map((value) => cast(value, "float16")),
    engine,
  );
  const widened = large.map((value, i): [Value, Value] => {
    const half = halves[i];
    if (half === undefined || !widenTensor(half).floats.every(Number.isFinite)) {
      throw new GraftError("model", `"${file.name}" has a weight that float16 cannot hold. Export it as onnx instead.`);
    }
    return [value, cast(constant(half, nameOf(value)), "float32")];
  });
  return written(graph, substitute(graph.outputs, new Map(widened)));
}

/**
 * The model in 8 bits: weights by the largest of each filter, what flows between layers by its range on `images`, uint8 [1, H, W, 3] each
 * (static quantisation; Jacob et al. 2018). A quarter of the size.
 *
 * @param images as the model will see them; a hundred are enough. Throws `data` without any
 */
export async function withBytes(
  file: ServedFile,
  images: AsyncIterable<Tensor>,
  engine: Engine,
  { weightRange, signal }: ByteOptions,
): Promise<Uint8Array> {
  const graph = openGraph(file);
  const outputs = foldBatchNorm(graph.outputs);
  // The distance to the classes' features needs more than 8 bits.
  const plan = quantisationPlan(outputs.filter((_, i) => graph.names[i] !== unknownOutput));
  if (plan.kernels.size === 0) {
    throw new GraftError("model", `"${file.name}" has no convolution or product to be computed in 8 bits.`);
  }
  const known = [...plan.kernels.values()].flatMap(({ weights, bias }) =>
    [weights, bias].filter((one) => one !== undefined),
  );
  const numbers = await computed(known, engine);
  const weights = new Map(
    known.flatMap((value, i) => (numbers[i] === undefined ? [] : [[value, numbers[i]] as const])),
  );
  const measured: Measured = {
    weights,
    weightRange,
    ranges: await rangesOf(graph.image, plan.observed, images, engine, signal),
  };
  return written(graph, stretchConstants(quantise(outputs, plan, measured)));
}

export interface ByteOptions {
  /** `reduced` for processors that do not sum exactly. */
  readonly weightRange: Measured["weightRange"];
  readonly signal: AbortSignal;
}

/** Whether this machine sums products of 8-bit numbers without losing any: 64 of the largest that there are. */
export async function sumsBytesExactly(engine: Engine): Promise<boolean> {
  const [count, columns] = [64, 16];
  const one = constantOf("float32", [], [1]);
  const x = input("x", "uint8", [1, count]);
  const weights = constantOf("int8", [count, columns], new Array<number>(count * columns).fill(weightSteps.full));
  const sums = matmul(dequantizeLinear(x, one), dequantizeLinear(weights, one));
  const program = await engine.compile(writeModel(emit({ name: "probe", inputs: [x], outputs: { sums } })));
  try {
    const found = await program.run({ x: Tensor.of("uint8", [1, count], new Uint8Array(count).fill(255)) });
    return found["sums"]?.floats.every((sum) => sum === count * 255 * weightSteps.full) ?? false;
  } finally {
    await program.dispose();
  }
}

interface OpenGraph {
  readonly model: Model;
  readonly image: Value;
  readonly names: readonly string[];
  readonly outputs: readonly Value[];
}

function openGraph({ bytes, name }: ServedFile): OpenGraph {
  const model = readModel(bytes, name);
  const { inputs, outputs } = importModel(model, { fileName: name });
  const [image] = inputs;
  if (image === undefined) throw new GraftError("model", `"${name}" takes no image.`);
  return { model, image, names: [...outputs.keys()], outputs: [...outputs.values()] };
}

function written({ model, image, names }: OpenGraph, outputs: readonly Value[]): Uint8Array {
  const named = Object.fromEntries(names.flatMap((name, i) => (outputs[i] === undefined ? [] : [[name, outputs[i]]])));
  return writeModel(emit({ name: model.graph.name, inputs: [image], outputs: named, metadata: model.metadata }));
}

/** What constant values come to. */
async function computed(values: readonly Value[], engine: Engine): Promise<readonly (Tensor | undefined)[]> {
  if (values.length === 0) return [];
  const outputs = Object.fromEntries(values.map((value, i) => [`value${i}`, value]));
  const program = await engine.compile(writeModel(emit({ name: "constants", inputs: [], outputs })));
  try {
    const found = await program.run({});
    return values.map((_, i) => found[`value${i}`]);
  } finally {
    await program.dispose();
  }
}

/** The least and greatest number of each value over all images. */
async function rangesOf(
  image: Value,
  observed: readonly Value[],
  images: AsyncIterable<Tensor>,
  engine: Engine,
  signal: AbortSignal,
): Promise<ReadonlyMap<Value, ValueRange>> {
  const ends = (of: typeof reduceMin) =>
    concat(...observed.map((value) => reshape(of(value, undefined, { keepdims: 0 }), [1])), { axis: 0 });
  const outputs = { least: ends(reduceMin), greatest: ends(reduceMax) };
  const program = await engine.compile(writeModel(emit({ name: "ranges", inputs: [image], outputs })), {
    releaseMemory: true,
  });
  const name = image.source.kind === "input" ? image.source.name : "";
  const ranges = observed.map(() => ({ min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }));
  let seen = 0;
  try {
    for await (const one of images) {
      if (signal.aborted) throw new GraftError("interrupted", "stopped while ranges were measured.");
      const { least, greatest } = await program.run({ [name]: one });
      for (const [i, range] of ranges.entries()) {
        range.min = Math.min(range.min, least?.floats[i] ?? 0);
        range.max = Math.max(range.max, greatest?.floats[i] ?? 0);
      }
      seen++;
    }
  } finally {
    await program.dispose();
  }
  if (seen === 0)
    throw new GraftError("data", "there are no images from which the ranges for 8 bits could be measured.");
  return new Map(observed.map((value, i) => [value, ranges[i] ?? { min: 0, max: 0 }]));
}

function isLargeFloat(source: Value["source"]): boolean {
  return source.kind === "constant" && source.tensor.dtype === "float32" && source.tensor.size >= smallest;
}

function nameOf({ source }: Value): string | undefined {
  return source.kind === "constant" ? source.name : undefined;
}
