import type { StatedAnswerTrust, StatedTrust } from "../artefact/statedTrust.ts";
import { predictionSets } from "../metrics/conformal.ts";
import { argMax } from "../train/measures.ts";

/** What a model says of an image beside its probabilities; nothing of what it does not promise. */
export interface Promises<Label extends string = string> {
  /** The classes that hold the true one as often as was promised, the likeliest first. */
  readonly set?: readonly Label[];
  /** How unlike the training's the image is, and whether that is more than validation images are. */
  readonly unknown?: { readonly score: number; readonly isUnknown: boolean };
}

/** @param score the model's output `unknown` for the image */
export function promisesOf<Label extends string>(
  labels: readonly Label[],
  probabilities: Float32Array,
  score: number | undefined,
  trust: StatedTrust,
): Promises<Label> {
  const set = setOf(labels, probabilities, trust);
  return {
    ...(set === undefined ? {} : { set }),
    ...(score === undefined ? {} : { unknown: { score, isUnknown: isUnknown(score, trust) } }),
  };
}

/** The classes that hold the true one as often as was promised, the likeliest first; nothing where nothing was promised. */
export function setOf<Label extends string>(
  labels: readonly Label[],
  probabilities: Float32Array,
  { conformal }: StatedAnswerTrust,
): readonly Label[] | undefined {
  if (conformal === undefined) return undefined;
  const [set = []] = predictionSets(probabilities, labels.length, conformal);
  // What it promises is a share at least: the likeliest class is always in, so that no set is empty.
  const likeliest = argMax(probabilities, 0, probabilities.length);
  return (set.length === 0 ? [likeliest] : set).flatMap((c) => labels[c] ?? []);
}

/** Whether a score is above what the model knows from its validation images. */
export function isUnknown(score: number | undefined, { unknown }: StatedTrust): boolean {
  return unknown !== undefined && score !== undefined && score > unknown.threshold;
}
