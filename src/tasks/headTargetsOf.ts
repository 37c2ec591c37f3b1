import { imageInput } from "../artefact/modelMetadata.ts";
import { GraftError } from "../base/errors.ts";
import type { Source } from "../data/source.ts";
import type { TargetColumn } from "../data/targetColumns.ts";
import { type HeadTarget, labelled } from "../transfer/headTargets.ts";
import { balancingWeights } from "./classWeights.ts";
import { parseTargets } from "./targetsOption.ts";
import type { Job } from "./trainPlan.ts";

/** Refuses columns of which nothing can be learned, before any image is read. Throws `data`. */
export function checkColumns({ targets = [], samples }: Source, path: string): void {
  for (const [t, column] of targets.entries()) {
    const { name } = column;
    if (name === imageInput) {
      throw new GraftError("data", `the column "${name}" is called as the model's input is. Rename it.`);
    }
    if (/^val(_|$)/.test(name)) {
      throw new GraftError("data", `the column "${name}" is called as figures on validation images are. Rename it.`);
    }
    const values = new Set(samples.flatMap((sample) => sample.targets?.[t] ?? []));
    if (values.size >= 2) continue;
    const [only] = values;
    const one = only === undefined ? "no label at all" : `${oneOf(column, only)} in all its labels`;
    const wanted = column.kind === "classes" ? "two classes or more" : "numbers that differ";
    throw new GraftError(
      "data",
      `the column "${name}" of "${path}" has ${one}; expected ${wanted}. Leave it out of --targets.`,
    );
  }
}

function oneOf(column: TargetColumn, value: number): string {
  return column.kind === "classes" ? `the class "${column.labels[value]}"` : `the number ${value}`;
}

/**
 * What each head is to learn, measured on the training images alone. Throws `data` when a column has no label in the training or
 * validation images, or none that differ in training.
 */
export function headTargetsOf({ input, source, images, split }: Job): readonly HeadTarget[] {
  const options = parseTargets(input.targets ?? "");
  return (source.targets ?? []).map((column, t): HeadTarget => {
    const { samples } = images;
    const known = labelled(samples, split.train, t).flatMap((i) => samples[i]?.targets?.[t] ?? []);
    if (known.length === 0) throw noLabels(column.name, split.train.length, "training");
    if (labelled(samples, split.validation, t).length === 0) {
      throw noLabels(column.name, split.validation.length, "validation");
    }
    const weight = options[t]?.weight ?? 1;
    if (column.kind === "classes") {
      if (new Set(known).size < 2) throw alike(column.name, oneOf(column, known[0] ?? 0));
      return { ...column, weight, classWeights: balancingWeights(known, column.labels.length) };
    }
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
    if (!(variance > 0)) throw alike(column.name, oneOf(column, mean));
    return { ...column, weight, mean, deviation: Math.sqrt(variance) };
  });
}

/** Classes that no training image has, so that no head can learn them: `"rare" of kind`. */
export function unseenClasses({ images, split }: Job, targets: readonly HeadTarget[]): readonly string[] {
  return targets.flatMap((target, t) => {
    if (target.kind === "number") return [];
    const seen = new Set(split.train.map((i) => images.samples[i]?.targets?.[t]));
    return target.labels.flatMap((label, c) => (seen.has(c) ? [] : [`"${label}" of ${target.name}`]));
  });
}

function noLabels(name: string, images: number, part: string): GraftError {
  return new GraftError(
    "data",
    `the column "${name}" has no label for any of the ${images} ${part} images; some are needed to ${part === "training" ? "learn" : "judge"} it. ` +
      "Add labels, or leave the column out of --targets.",
  );
}

function alike(name: string, one: string): GraftError {
  return new GraftError(
    "data",
    `all training images with a label in the column "${name}" have ${one}; nothing can be learned from that. ` +
      "Add others, or leave the column out of --targets.",
  );
}
