import { setStrength, targetRow, targetWidth } from "../adapt/losses/domainBatch.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Split } from "../data/split.ts";
import type { TrainingData } from "../train/data.ts";
import { type DomainFeatures, dataOf } from "./domainTrial.ts";
import { pixelData } from "./pixelData.ts";

/** Images of both domains as a network takes them: rows of features, or pixels. */
export interface DomainData {
  /** With class indices as targets, as the held-out part has them. */
  readonly source: TrainingData;
  readonly held: TrainingData;
  /** Nobody looks at its targets. */
  readonly target: TrainingData;
  readonly classes: number;
  readonly classWeights: readonly number[] | undefined;
}

/** The rows of features as training data. */
export function featureData(features: DomainFeatures): DomainData {
  const { source, labels, held, heldLabels, target, classes, classWeights } = features;
  return {
    source: dataOf(source, labels),
    held: dataOf(held, heldLabels),
    target: dataOf(target, new Int32Array(target.count)),
    classes,
    classWeights,
  };
}

/** The pixels of prepared images as training data. */
export function imageData(
  { source, target }: { readonly source: PreparedImages; readonly target: PreparedImages },
  { train, validation }: Pick<Split, "train" | "validation">,
  classes: Pick<DomainData, "classes" | "classWeights">,
): DomainData {
  const every = target.samples.map((_, i) => i);
  return {
    source: pixelData(source, train),
    held: pixelData(source, validation),
    target: pixelData(target, every),
    ...classes,
  };
}

/** The class index of each sample. */
export function labelsOf({ targets }: TrainingData): Int32Array {
  if (targets.kind !== "classes") throw new Error("images of a domain have class indices");
  return targets.labels;
}

/** What the samples of both domains count while a network learns them. */
export interface MixedWeights {
  /** λ of the method's term after so many epochs, in whole and parts. */
  strength(epochs: number): number;
  /** Of source images by their class, in all means over the source, as an epoch has it. Default: 1 each. */
  classCounts?(): readonly number[] | undefined;
}

/** Source samples, then target samples, with targets as `domainLoss` takes them; an epoch is all of the larger domain, and of the smaller as many. */
export function mixedData(domains: DomainData, weights: MixedWeights): TrainingData {
  const { source, target, classes, classWeights } = domains;
  const labels = labelsOf(source);
  const width = targetWidth(classes);
  const count = source.count + target.count;
  const rowsOf = (strength: number) => {
    const values = new Float32Array(count * width);
    const counts = weights.classCounts?.();
    for (let i = 0; i < count; i++) {
      const label = labels[i];
      const own = label === undefined ? {} : { weight: classWeights?.[label], count: counts?.[label] };
      values.set(targetRow(classes, label, strength, own), i * width);
    }
    return values;
  };
  let [filled, values] = [0, rowsOf(0)];
  const targetsOf = (epoch: number, share = 0) => {
    if (epoch !== filled) [filled, values] = [epoch, rowsOf(0)];
    // Every step has its own, and the rest of the rows is an epoch's.
    setStrength(values, classes, weights.strength(epoch + share));
    return { kind: "values", width, values } as const;
  };
  return {
    ...source,
    count,
    targets: targetsOf(0),
    targetsOf,
    order: (seed, epoch) => mixedOrder(source.count, target.count, seed, epoch),
    load: (batch, epoch) => loadBoth(source, target, batch, epoch),
  };
}

/** The source alone, in the very batches that it has among those of both domains. */
export function sourceData({ source, target }: DomainData): TrainingData {
  return {
    ...source,
    order: (seed, epoch) =>
      mixedOrder(source.count, target.count, seed, epoch).filter((sample) => sample < source.count),
  };
}

/** Source and target by turns, so that every batch of even size is half and half; the smaller domain is shuffled anew when it is through. */
export function mixedOrder(source: number, target: number, seed: number, epoch: number): Uint32Array {
  const length = Math.max(source, target);
  const drawn = (name: string, count: number) => {
    const rounds = Math.ceil(length / count);
    const random = Array.from({ length: rounds }, (_, round) => stream(seed, name, epoch, round).permutation(count));
    return (at: number) => random[Math.floor(at / count)]?.[at % count] ?? 0;
  };
  const [ofSource, ofTarget] = [drawn("source order", source), drawn("target order", target)];
  return Uint32Array.from({ length: 2 * length }, (_, at) =>
    at % 2 === 0 ? ofSource(at >> 1) : source + ofTarget(at >> 1),
  );
}

/** Samples of the first, and of the second by places that count on from it. */
async function loadBoth(
  first: TrainingData,
  second: TrainingData,
  batch: Uint32Array,
  epoch: number | undefined,
): Promise<Tensor> {
  const isFirst = (sample: number) => sample < first.count;
  const [own, other] = [batch.filter(isFirst), batch.filter((sample) => !isFirst(sample))];
  const [a, b] = await Promise.all([
    first.load(own, epoch),
    second.load(
      other.map((sample) => sample - first.count),
      epoch,
    ),
  ]);
  const size = a.bytes.length / Math.max(1, own.length) || b.bytes.length / Math.max(1, other.length);
  const bytes = new Uint8Array(batch.length * size);
  let [ofFirst, ofSecond] = [0, 0];
  for (const [place, sample] of batch.entries()) {
    const [from, at] = isFirst(sample) ? [a.bytes, ofFirst++] : [b.bytes, ofSecond++];
    bytes.set(from.subarray(at * size, (at + 1) * size), place * size);
  }
  return new Tensor(first.inputDType, [batch.length, ...first.inputShape], bytes);
}
