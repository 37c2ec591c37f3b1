import { thresholdedAnswers } from "../adapt/openSet.ts";
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
  /** The class that each target image was given; the number of the source's classes where it was called unknown. */
  readonly answers: readonly number[];
}

/** One setting of a method, tried with every seed; what it has of a result are means over the seeds, its answers the first seed's. */
export interface AdaptationTrial extends SeedResult {
  /** Of the first seed: what is saved. */
  readonly trial: DomainTrial;
  readonly results: readonly SeedResult[];
}

/**
 * What became of all trials of one seed, with answers of so many classes. Where these are more than a trial knows, it calls unknown what it is less sure of
 * than of nearly all held-out source images.
 */
export function resultsOf(judged: readonly JudgedTrial[], classes: number): readonly SeedResult[] {
  const all = judged.map(({ trial, answers }) => widened(answers, trial.classes, classes));
  const agreements = ensembleAgreement(all, classes);
  return judged.map(({ trial, scores, seconds, answers, leastConfidence }, i) => {
    const { method, setting } = trial;
    return {
      method,
      setting,
      seconds,
      scores: { ...scores, agreement: spreadOf([...(agreements[i] ?? [])]).mean },
      informed: informationOf(answers, trial.classes),
      answers:
        trial.classes < classes
          ? thresholdedAnswers(answers, trial.classes, leastConfidence)
          : answersOf(answers, classes),
    };
  });
}

/** The same probabilities, nothing for the classes after them. */
function widened(probabilities: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return probabilities;
  const wide = new Float32Array((probabilities.length / from) * to);
  for (const [at, p] of probabilities.entries()) wide[Math.floor(at / from) * to + (at % from)] = p;
  return wide;
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
