import { GraftError } from "../base/errors.ts";
import { foldsOf } from "./folds.ts";
import type { Sample } from "./source.ts";
import { type Split, takeValidation, unitsOf } from "./split.ts";

/** One to hold out, one to validate on, one to learn from. */
const fewestUnits = 3;

export interface CrossValidation {
  /** One for each fold: `test` holds the fold, `train` and `validation` share the rest. */
  readonly splits: readonly Split[];
  /** In words how that came about. */
  readonly account: readonly string[];
}

/**
 * Every image is held out once and never seen by the model that is asked about it, not even to decide when to stop: each fold's own
 * validation images come from the rest. Stratified by class, whole groups together; images that the source keeps for testing stay out.
 *
 * @param folds 2 or more
 * @param validation fraction of each fold's training images, (0, 1)
 * @throws `data` when a class has fewer than three images or groups
 */
export function crossValidationOf(
  samples: readonly Sample[],
  labels: readonly string[],
  { folds, validation, seed }: { readonly folds: number; readonly validation: number; readonly seed: number },
): CrossValidation {
  const candidates = samples.flatMap(({ split }, i) => (split === "test" ? [] : [i]));
  const scarce: string[] = [];
  labels.forEach((label, index) => {
    const units = unitsOf(
      samples,
      candidates.filter((i) => samples[i]?.label === index),
    ).length;
    if (units < fewestUnits) throw tooFew(label, units);
    if (units < folds) scarce.push(label);
  });
  const foldOf = foldsOf(samples, candidates, { count: folds, seed });
  const splits = Array.from({ length: folds }, (_, fold): Split => {
    const rest = candidates.filter((_, at) => foldOf[at] !== fold);
    const taken = takeValidation(samples, labels, rest, validation, seed);
    return {
      train: rest.filter((i) => !taken.has(i)),
      validation: [...taken].sort((a, b) => a - b),
      test: candidates.filter((_, at) => foldOf[at] === fold),
      account: [],
    };
  });
  const isGrouped = samples.some(({ group }) => group !== undefined);
  const account = [
    `${folds} folds of ${candidates.length} images, stratified by class${isGrouped ? ", groups kept whole" : ""}, seed ${seed}`,
  ];
  const never = foldOf.filter((fold) => fold < 0).length;
  if (never > 0) account.push(`${never} images are never held out: their group lies in a class that has no other`);
  if (scarce.length > 0) {
    account.push(
      `warning: not in every fold, for want of images or groups: ${scarce.map((name) => `"${name}"`).join(", ")}`,
    );
  }
  if (splits.some(({ test }) => test.length === 0)) {
    throw new GraftError("data", `--folds ${folds}: too few images or groups to fill as many folds. Ask for fewer.`);
  }
  return { splits, account };
}

function tooFew(label: string, units: number): GraftError {
  return new GraftError(
    "data",
    `the class "${label}" has ${units} image${units === 1 ? "" : "s"} or groups of them; cross-validation needs ${fewestUnits} at least: ` +
      "one to hold out, one to validate on, one to learn from. Add images or remove the class.",
  );
}
