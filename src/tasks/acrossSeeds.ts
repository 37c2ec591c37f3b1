import { ensembleAgreement } from "../adapt/validators/ensembleAgreement.ts";
import { informationOf } from "../adapt/validators/infoMax.ts";
import { spreadOf } from "../metrics/spread.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import type { JudgedTrial } from "../transfer/judgeTrial.ts";
import { type ValidatorName, validatorNames } from "../transfer/validators.ts";
import { answersOf } from "./probabilities.ts";

/** A trial as one seed has it, without what only a model that is saved needs. */
export interface SeedResult {
  readonly method: string;
  readonly setting: string;
  readonly seconds: number;
  readonly scores: Readonly<Record<ValidatorName, number>>;
  /** What each target image adds to InfoMax. */
  readonly informed: Float64Array;
  /** The class that each target image was given. */
  readonly answers: readonly number[];
}

/** One setting of a method, tried with every seed; what it has of a result are means over the seeds, its answers the first seed's. */
export interface AdaptationTrial extends SeedResult {
  /** Of the first seed: what is saved. */
  readonly trial: DomainTrial;
  readonly results: readonly SeedResult[];
}

/** What became of all trials of one seed. */
export function resultsOf(judged: readonly JudgedTrial[], classes: number): readonly SeedResult[] {
  const agreements = ensembleAgreement(
    judged.map(({ answers }) => answers),
    classes,
  );
  return judged.map(({ trial: { method, setting }, scores, seconds, answers }, i) => {
    const all = { ...scores, agreement: spreadOf([...(agreements[i] ?? [])]).mean };
    const informed = informationOf(answers, classes);
    return { method, setting, seconds, scores: all, informed, answers: answersOf(answers, classes) };
  });
}

/** The first seed's trials with the means over all seeds; a setting that a seed did not allow is left out. */
export function acrossSeeds(
  trials: readonly DomainTrial[],
  seeds: readonly (readonly SeedResult[])[],
): readonly AdaptationTrial[] {
  return trials.flatMap((trial) => {
    const results = seeds.flatMap((ofSeed) =>
      ofSeed.filter(({ method, setting }) => method === trial.method && setting === trial.setting),
    );
    const [own] = results;
    if (own === undefined || results.length < seeds.length) return [];
    const mean = (name: ValidatorName) => spreadOf(results.map(({ scores }) => scores[name])).mean;
    return {
      ...own,
      trial,
      results,
      seconds: spreadOf(results.map(({ seconds }) => seconds)).mean,
      scores: { ...own.scores, ...Object.fromEntries(validatorNames.map((name) => [name, mean(name)] as const)) },
      informed: own.informed.map((_, i) => spreadOf(results.map(({ informed }) => informed[i] ?? 0)).mean),
    };
  });
}
