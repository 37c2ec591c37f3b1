import { stream } from "../base/random.ts";
import { sizeOf } from "../base/tensor.ts";
import type { Targets, TrainingData } from "../train/data.ts";
import type { Data } from "../train/model.ts";
import type { Range } from "./pixelForm.ts";

/** The targets of some samples as they were given, whether they fit anything or not. */
export type TargetFacts =
  | { readonly kind: "classes"; readonly labels: Int32Array }
  | { readonly kind: "values"; readonly width: number; readonly isOneHot: boolean; readonly range: Range }
  /** Rows of zeros and a one, given as whole numbers. */
  | { readonly kind: "whole-rows"; readonly width: number };

/** Samples as they were given. */
export interface SampleFacts {
  readonly count: number;
  /** Numbers in one sample, by its targets. */
  readonly numbers: number;
  /** Over a few hundred samples. */
  readonly range: Range;
  readonly targets: TargetFacts;
}

/** Samples that a range is measured on. */
const rangeSamples = 256;

/** What `data` for a model of this input shape look like. Throws nothing: what does not fit is a fact. */
export async function sampleFactsOf(data: Data, inputShape: readonly number[]): Promise<SampleFacts> {
  return "load" in data ? loadedFacts(data) : arrayFacts(data, sizeOf(inputShape));
}

/** The class of each sample, where the targets name one. */
export function classesOf(data: Data, { count, targets }: SampleFacts): Int32Array | undefined {
  if (targets.kind === "classes") return targets.labels;
  const rows = "load" in data ? valuesOf(data.targets) : data.y;
  if (rows === undefined || (targets.kind === "values" && !targets.isOneHot)) return undefined;
  return Int32Array.from({ length: count }, (_, i) => {
    let place = 0;
    while (rows[i * targets.width + place] !== 1) place++;
    return place;
  });
}

function valuesOf(targets: Targets): Float32Array | undefined {
  return targets.kind === "values" ? targets.values : undefined;
}

async function loadedFacts(data: TrainingData): Promise<SampleFacts> {
  const some = stream(0, "doctor").permutation(data.count).subarray(0, rangeSamples).sort();
  const batch = await data.load(some, undefined);
  const numbers = sizeOf(data.inputShape);
  return { count: data.count, numbers, range: rangeOf(batch.numbers), targets: targetFacts(data.targets) };
}

function arrayFacts({ x, y }: Exclude<Data, TrainingData>, size: number): SampleFacts {
  const step = Math.max(1, Math.floor(x.length / (rangeSamples * size)));
  const range = rangeOf(strided(x, size, step));
  const samples = x.length / size;
  if (y instanceof Float32Array) {
    const count = Number.isInteger(samples) && y.length % samples === 0 ? samples : y.length;
    const targets = targetFacts({ kind: "values", width: y.length / count, values: y });
    return { count, numbers: x.length / count, range, targets };
  }
  const width = y.length / samples;
  if (Number.isInteger(width) && width > 1 && isOneHot(y, width)) {
    return { count: samples, numbers: size, range, targets: { kind: "whole-rows", width } };
  }
  const labels = Int32Array.from(y);
  return { count: y.length, numbers: x.length / y.length, range, targets: { kind: "classes", labels } };
}

/** Every `step`th sample's numbers. */
function* strided(x: ArrayLike<number>, size: number, step: number): Generator<number> {
  for (let start = 0; start < x.length; start += step * size) {
    const end = Math.min(x.length, start + size);
    for (let at = start; at < end; at++) yield x[at] ?? 0;
  }
}

function targetFacts(targets: Targets): TargetFacts {
  if (targets.kind === "classes") return { kind: "classes", labels: targets.labels };
  const { width, values } = targets;
  return { kind: "values", width, isOneHot: width > 1 && isOneHot(values, width), range: rangeOf(values) };
}

function isOneHot(values: ArrayLike<number>, width: number): boolean {
  for (let start = 0; start < values.length; start += width) {
    let sum = 0;
    for (let at = start; at < start + width; at++) {
      const value = values[at] ?? 0;
      if (value !== 0 && value !== 1) return false;
      sum += value;
    }
    if (sum !== 1) return false;
  }
  return true;
}

function rangeOf(numbers: Iterable<number>): Range {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of numbers) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}
