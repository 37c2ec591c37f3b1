import type { Sample } from "../data/source.ts";
import type { TargetColumn, TargetValue } from "../data/targetColumns.ts";
import { columnsPerTask } from "../nn/multiTaskLoss.ts";
import type { Targets } from "../train/data.ts";

/** What one head of a network of several learns. */
export type HeadTarget = TargetColumn & {
  /** What its loss counts against the others'. */
  readonly weight: number;
} & (
    | {
        readonly kind: "classes";
        /** How much each class counts; the same without. */
        readonly classWeights: readonly number[] | undefined;
      }
    | {
        readonly kind: "number";
        /** Of the training images; the head learns (number − mean) / deviation. */
        readonly mean: number;
        readonly deviation: number;
      }
  );

/** How many numbers of a network's output belong to a target: probabilities, or the number itself. */
export function widthOf(target: HeadTarget): number {
  return target.kind === "classes" ? target.labels.length : 1;
}

/** Where each target's numbers begin in a row of a network's output. */
export function offsetsOf(targets: readonly HeadTarget[]): readonly number[] {
  let next = 0;
  return targets.map((target) => {
    const start = next;
    next += widthOf(target);
    return start;
  });
}

/** Those of `indices` whose label in column `t` is known. */
export function labelled(samples: readonly Sample[], indices: readonly number[], t: number): readonly number[] {
  return indices.filter((i) => labelIn(samples, i, t) !== undefined);
}

/** What the head of column `t` learns from samples that all have a label there. */
export function columnTargets(
  samples: readonly Sample[],
  indices: readonly number[],
  targets: readonly HeadTarget[],
  t: number,
): Targets {
  const target = targets[t];
  if (target?.kind !== "number") {
    return { kind: "classes", labels: Int32Array.from(indices, (i) => labelIn(samples, i, t) ?? 0) };
  }
  const values = Float32Array.from(indices, (i) => learnedValue(target, labelIn(samples, i, t)));
  return { kind: "values", width: 1, values };
}

/**
 * The rows that `multiTaskLoss` asks for. A label that is there counts as much as makes the known ones of its column together count as
 * the images do, so that a column with gaps is not learned less; in training also by the weight of its class.
 */
export function taskRows(
  samples: readonly Sample[],
  indices: readonly number[],
  targets: readonly HeadTarget[],
  isTraining: boolean,
): Targets {
  const width = columnsPerTask * targets.length;
  const values = new Float32Array(indices.length * width);
  for (const [t, target] of targets.entries()) {
    const share = indices.length / Math.max(1, labelled(samples, indices, t).length);
    for (const [row, i] of indices.entries()) {
      const value = labelIn(samples, i, t);
      if (value === undefined) continue;
      const start = row * width + columnsPerTask * t;
      values[start] = learnedValue(target, value);
      values[start + 1] = share * (isTraining ? weightOf(target, value) : 1);
    }
  }
  return { kind: "values", width, values };
}

function labelIn(samples: readonly Sample[], i: number, t: number): TargetValue {
  return samples[i]?.targets?.[t];
}

function learnedValue(target: HeadTarget, value = 0): number {
  return target.kind === "classes" ? value : (value - target.mean) / target.deviation;
}

function weightOf(target: HeadTarget, value: number): number {
  return target.kind === "classes" ? (target.classWeights?.[value] ?? 1) : 1;
}
