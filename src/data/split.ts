import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import type { Sample } from "./source.ts";

/** Who trains, who validates, who tests: indices into the samples, and in words how that came about. */
export interface Split {
  readonly train: readonly number[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
  readonly account: readonly string[];
}

/**
 * Uses the splits that the source assigns, and takes validation from the training images where it assigns none:
 * stratified by class, whole groups together, a function of the seed and the ids alone.
 *
 * @param validation fraction of the training images, (0, 1)
 * @param by what the labels are, for the account
 * @throws `data` when a class has too few images to be on both sides
 */
export function splitSamples(
  samples: readonly Sample[],
  labels: readonly string[],
  { validation, seed }: { readonly validation: number; readonly seed: number },
  by = "class",
): Split {
  const of = (name: Sample["split"]) => samples.flatMap(({ split }, i) => ((split ?? "train") === name ? [i] : []));
  const assigned = { train: of("train"), validation: of("validation"), test: of("test") };
  const account: string[] = [];
  if (assigned.test.length > 0) account.push(`test: ${assigned.test.length} images, as the data set assigns them`);
  if (assigned.validation.length > 0) {
    account.unshift(
      `train: ${assigned.train.length} images, validation: ${assigned.validation.length}, as the data set assigns them`,
    );
    return { ...assigned, account: [...account, ...tornGroups(samples)] };
  }
  const taken = takeValidation(samples, labels, assigned.train, validation, seed);
  const train = assigned.train.filter((i) => !taken.has(i));
  const grouped = samples.some(({ group }) => group !== undefined);
  account.unshift(
    `validation: ${taken.size} of ${assigned.train.length} training images (${Math.round(validation * 100)} % asked for), ` +
      `stratified by ${by}${grouped ? ", groups kept whole" : ""}, seed ${seed}; ${train.length} train`,
  );
  return {
    ...assigned,
    train,
    validation: [...taken].sort((a, b) => a - b),
    account: [...account, ...tornGroups(samples)],
  };
}

/** Only `shots` training images of each class, drawn by the seed. Throws `data` when a class has fewer. */
export function takeShots(
  samples: readonly Sample[],
  labels: readonly string[],
  split: Split,
  shots: number,
  seed: number,
): Split {
  const train = labels.flatMap((label, index) => {
    const own = split.train.filter((i) => samples[i]?.label === index).sort(byId(samples));
    if (own.length < shots) {
      throw new GraftError(
        "data",
        `--shots ${shots}: the class "${label}" has ${own.length} training images. Ask for ${own.length} or fewer.`,
      );
    }
    const order = stream(seed, `shots ${label}`).permutation(own.length);
    return [...order.subarray(0, shots)].map((at) => own[at] ?? 0);
  });
  const account = [...split.account, `of the training images ${shots} of each class are learned from, seed ${seed}`];
  return { ...split, train: train.sort((a, b) => a - b), account };
}

/** By name, so that listing order does not matter. */
function byId(samples: readonly Sample[]) {
  return (a: number, b: number) => ((samples[a]?.id ?? "") < (samples[b]?.id ?? "") ? -1 : 1);
}

/** Stratified by class, whole groups together; throws `data` when a class has a single image or group. */
export function takeValidation(
  samples: readonly Sample[],
  labels: readonly string[],
  candidates: readonly number[],
  fraction: number,
  seed: number,
): ReadonlySet<number> {
  const taken = new Set<number>();
  const takenGroups = new Set<string>();
  labels.forEach((label, index) => {
    const units = unitsOf(
      samples,
      candidates.filter((i) => samples[i]?.label === index),
    );
    const total = units.reduce((sum, { members }) => sum + members.length, 0);
    if (units.length < 2) throw tooFew(label, total, units.length);
    const wanted = Math.max(1, Math.round(total * fraction));
    const order = stream(seed, `split ${label}`).permutation(units.length);
    let count = 0;
    let chosen = 0;
    for (const at of order) {
      const unit = units[at];
      // One unit at least stays in train; a group that another class put into validation goes with it.
      if (unit === undefined || count >= wanted || chosen === units.length - 1) break;
      for (const member of unit.members) taken.add(member);
      takenGroups.add(unit.name);
      count += unit.members.length;
      chosen++;
    }
  });
  for (const i of candidates) {
    const { group } = samples[i] ?? {};
    if (group !== undefined && takenGroups.has(`group ${group}`)) taken.add(i);
  }
  return taken;
}

export interface Unit {
  readonly name: string;
  readonly members: number[];
}

/** What must stay together: groups, or single images. Sorted by name, so that listing order does not matter. */
export function unitsOf(samples: readonly Sample[], indices: readonly number[]): readonly Unit[] {
  const units = new Map<string, Unit>();
  for (const i of indices) {
    const sample = samples[i];
    if (sample === undefined) continue;
    const name = sample.group === undefined ? `image ${sample.id}` : `group ${sample.group}`;
    const unit = units.get(name);
    if (unit === undefined) units.set(name, { name, members: [i] });
    else unit.members.push(i);
  }
  return [...units.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function tooFew(label: string, images: number, units: number): GraftError {
  const found = units === images ? `${images} image${images === 1 ? "" : "s"}` : `${images} images in one group`;
  return new GraftError(
    "data",
    `the class "${label}" has ${found} to train on; two at least are needed, one to learn from and one to validate on. ` +
      "Add images, remove the class, or give a val folder of your own.",
  );
}

function tornGroups(samples: readonly Sample[]): readonly string[] {
  const splits = new Map<string, Set<string>>();
  for (const { group, split } of samples) {
    if (group !== undefined && split !== undefined) splits.set(group, (splits.get(group) ?? new Set()).add(split));
  }
  const torn = [...splits].filter(([, names]) => names.size > 1).map(([group]) => group);
  if (torn.length === 0) return [];
  return [`warning: ${torn.length} groups lie in more than one split (first "${torn[0]}"): figures on them flatter`];
}
