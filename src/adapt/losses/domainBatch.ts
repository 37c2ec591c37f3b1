import type { Value } from "../../graph/value.ts";
import type { LayerOutput, Loss } from "../../nn/loss.ts";
import { categoricalCrossentropy } from "../../nn/losses.ts";
import { add, div, max, mul, sub } from "../../ops/arithmetic.ts";
import { reshape } from "../../ops/layout.ts";
import { reduceMean, reduceSum } from "../../ops/reductions.ts";
import { slice } from "../../ops/slicing.ts";

/** So that a batch without an image of a domain, or without one that counts, has shares of zero. */
const leastCount = 1e-6;

/** A batch of both domains: N rows, in any order. */
export interface DomainBatch {
  /** 1/n_S for source rows and 0 for the target's, [N, 1]: a sum over it is the mean of the source; weighted where source images count differently. */
  readonly sourceShares: Value;
  /** 1/n_T for target rows and 0 for the source's, [N, 1]. */
  readonly targetShares: Value;
  /** 1 for target rows, 0 for source rows, [N, 1]. */
  readonly isTarget: Value;
  /** The classifier's probabilities [N, classes]. */
  readonly prediction: Value;
  readonly layerOutput: LayerOutput;
}

/** What holds the domains together, one number a batch. */
export type DomainTerm = (batch: DomainBatch) => Value;

/** One that heeds λ, a scalar, in its own way. */
export type ScheduledTerm = (batch: DomainBatch, strength: Value) => Value;

/** λ times the term. */
export function scheduled(term: DomainTerm): ScheduledTerm {
  return (batch, strength) => mul(strength, term(batch));
}

/** How many numbers stand in a row of targets. */
export function targetWidth(classes: number): number {
  return classes + 3;
}

/**
 * A row of targets: the label as a distribution (zeros for target images, whose label nobody knows), 1 for the target domain, λ, and how much a
 * source image counts in all means over the source.
 *
 * @param weight of its class in the cross-entropy alone
 */
export function targetRow(
  classes: number,
  label: number | undefined,
  strength: number,
  { weight = 1, count = 1 }: { readonly weight?: number | undefined; readonly count?: number | undefined } = {},
): Float32Array {
  const row = new Float32Array(targetWidth(classes));
  if (label !== undefined) row[label] = weight;
  row[classes] = Number(label === undefined);
  row[classes + 1] = strength;
  row[classes + 2] = count;
  return row;
}

/** Puts another λ into rows of targets. */
export function setStrength(rows: Float32Array, classes: number, strength: number): void {
  for (let at = classes + 1; at < rows.length; at += targetWidth(classes)) rows[at] = strength;
}

/** The mean cross-entropy of the batch's source images plus λ times the term, λ from the targets, where it may rise from step to step. */
export function domainLoss(name: string, classes: number, term: DomainTerm): Loss {
  return scheduledLoss(name, classes, scheduled(term));
}

/** The same with a term that heeds λ in its own way. */
export function scheduledLoss(name: string, classes: number, term: ScheduledTerm): Loss {
  return {
    name,
    target: (prediction) => ({
      dtype: "float32",
      shape: [prediction.staticShape[0] ?? 0, targetWidth(classes)],
    }),
    perSample(target, prediction, layerOutput) {
      const count = prediction.staticShape[0] ?? 0;
      const column = (at: number) => slice(target, [at], [at + 1], [1]);
      const isTarget = column(classes);
      const shares = (of: Value) => div(of, max(reduceSum(of, [0], { keepdims: 1 }), leastCount));
      const sourceShares = shares(mul(sub(1, isTarget), column(classes + 2)));
      const learned = categoricalCrossentropy().perSample(slice(target, [0], [classes], [1]), prediction, layerOutput);
      const ofSource = mul(mul(learned, reshape(sourceShares, [count])), count);
      const batch = { sourceShares, targetShares: shares(isTarget), isTarget, prediction, layerOutput };
      return add(ofSource, term(batch, reduceMean(column(classes + 1), { keepdims: 0 })));
    },
  };
}
