import type { EpochLog } from "./progress.ts";

/** What the curves of a training say about it. */
export type Diagnosis =
  /** Right on the validation images no more often than the most frequent class alone would be. */
  | { readonly kind: "no-better-than-majority"; readonly accuracy: number; readonly majority: number }
  /** Right on what it learned from, by more than chance allows, more often than on the validation images. */
  | { readonly kind: "over-fitting"; readonly gap: number; readonly standardError: number }
  /** Not even right on what it learned from; `isImproving` when its last epochs still made it better. */
  | { readonly kind: "under-fitting"; readonly accuracy: number; readonly isImproving: boolean }
  | { readonly kind: "balanced"; readonly gap: number };

export interface Validated {
  /** Validation images. */
  readonly count: number;
  /** Share of the most frequent class among them, 0 to 1. */
  readonly majority: number;
}

/** A gap below this is of no consequence, however many images show it. */
const smallGap = 0.05;
/** Who is right so often on what it learned from has learned it. */
const learnedAccuracy = 0.9;
/** So many epochs back, or as far as there are any, the loss is compared with, and by how much it must have fallen. */
const lookBack = 3;
const stillFalling = 0.98;

/**
 * Over- or under-fitting, by `accuracy` and `val_accuracy` at the epoch of the least validation loss, which is the one that is kept.
 * Nothing where the history lacks them, or where nothing was validated.
 */
export function diagnoseCurves(history: readonly EpochLog[], { count, majority }: Validated): Diagnosis | undefined {
  const best = history.reduce<EpochLog | undefined>(
    (least, log) => (least === undefined || lossOf(log) < lossOf(least) ? log : least),
    undefined,
  );
  const accuracy = best?.["accuracy"];
  const held = best?.["val_accuracy"];
  if (accuracy === undefined || held === undefined || count === 0) return undefined;
  const standardError = Math.sqrt(Math.max(held * (1 - held), 1 / (4 * count)) / count);
  if (held <= majority + standardError && majority < 1) {
    return { kind: "no-better-than-majority", accuracy: held, majority };
  }
  const gap = accuracy - held;
  if (gap > smallGap && gap > 2 * standardError) return { kind: "over-fitting", gap, standardError };
  if (accuracy < learnedAccuracy) return { kind: "under-fitting", accuracy, isImproving: isImproving(history) };
  return { kind: "balanced", gap };
}

function lossOf(log: EpochLog): number {
  return log["val_loss"] ?? Number.POSITIVE_INFINITY;
}

function isImproving(history: readonly EpochLog[]): boolean {
  const last = history.at(-1)?.["val_loss"];
  const before = history.at(Math.max(-1 - lookBack, -history.length))?.["val_loss"];
  return last !== undefined && before !== undefined && last < stillFalling * before;
}
