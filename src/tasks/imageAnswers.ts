import type { ModelAnswers } from "../artefact/modelMetadata.ts";
import { type StatedAnswerTrust, type StatedTrust, unknownOutput } from "../artefact/statedTrust.ts";
import { GraftError } from "../base/errors.ts";
import { type Promises, promisesOf, setOf } from "./promisesOf.ts";
import { rankedClasses } from "./rankedClasses.ts";
import type { RankedClass, TargetAnswer } from "./task.ts";

/** What a model says of one image, by the names of its outputs. */
export type ImageOutputs = ReadonlyMap<string, Float32Array>;

/** What a model with labels of one kind says of an image, and what it promises of that. */
export interface Classification<Label extends string = string> extends Promises<Label> {
  /** The likeliest first. */
  readonly classes: readonly RankedClass<Label>[];
}

/** The outputs of a classifier in words, with its `top` classes. */
export function classificationOf<Label extends string>(
  { labels, trust }: { readonly labels: readonly Label[]; readonly trust: StatedTrust },
  outputs: ImageOutputs,
  top?: number,
): Classification<Label> {
  const probabilities = valuesOf(outputs, "probabilities");
  return {
    classes: rankedClasses(labels, probabilities, top),
    ...promisesOf(labels, probabilities, outputs.get(unknownOutput)?.[0], trust),
  };
}

/** The outputs of a model of several targets in words, target by target. A model with labels of one kind has one target, `"label"`. */
export function targetAnswers(
  { answers, trust }: { readonly answers: ModelAnswers; readonly trust: StatedTrust },
  outputs: ImageOutputs,
  top?: number,
): readonly TargetAnswer[] {
  if (answers.kind === "classes") {
    const probabilities = valuesOf(outputs, "probabilities");
    return [classAnswer({ name: "label", labels: answers.labels }, probabilities, trust, top)];
  }
  return answers.targets.map((target): TargetAnswer => {
    const { kind, name } = target;
    const values = valuesOf(outputs, name);
    if (kind === "number") return { name, kind, value: values[0] ?? Number.NaN };
    return classAnswer(target, values, trust.targets?.get(name) ?? {}, top);
  });
}

function classAnswer(
  { name, labels }: { readonly name: string; readonly labels: readonly string[] },
  probabilities: Float32Array,
  trust: StatedAnswerTrust,
  top: number | undefined,
): TargetAnswer {
  const set = setOf(labels, probabilities, trust);
  const classes = rankedClasses(labels, probabilities, top);
  return { name, kind: "classes", classes, ...(set === undefined ? {} : { set }) };
}

/** Throws `model` where there is no output of that name. */
export function valuesOf(outputs: ImageOutputs, name: string): Float32Array {
  const values = outputs.get(name);
  if (values === undefined) throw new GraftError("model", `the model has no output "${name}".`);
  return values;
}
