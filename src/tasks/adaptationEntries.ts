import { openAccuracy } from "../adapt/openSet.ts";
import { type Spread, spreadOf } from "../metrics/spread.ts";
import { validatorNames, validators } from "../transfer/validators.ts";
import type { AdaptationTrial, SeedResult } from "./acrossSeeds.ts";
import type { OpenedDomains } from "./openDomains.ts";
import { knownImages } from "./targetOracle.ts";
import type { AdaptationEntry, AdaptationTable } from "./task.ts";

/** What was tried, for people: the choice of each validator, and where the target has labels, how right each is. */
export function adaptationEntries(
  domains: Pick<OpenedDomains, "truth" | "labels" | "targetClasses">,
  trials: readonly AdaptationTrial[],
  chosen: AdaptationTrial,
  { oracles, seeds }: { readonly oracles: readonly number[]; readonly seeds: number },
): AdaptationTable {
  const known = knownImages(domains);
  const isOpen = domains.targetClasses === "more";
  const rightShare = ({ answers }: SeedResult) =>
    known.filter((i) => answers[i] === domains.truth[i]).length / known.length;
  const entries = trials.map(
    (trial): AdaptationEntry => ({
      method: trial.method,
      setting: trial.setting,
      seconds: trial.seconds,
      scores: trial.scores,
      open: isOpen ? openFigures(trial, domains) : undefined,
      accuracy: known.length === 0 ? undefined : spreadOf(trial.results.map(rightShare)),
      isChosen: trial === chosen,
    }),
  );
  // They compare answers over the same classes.
  const choices = (isOpen ? [] : validatorNames).map((name) => {
    const sign = validators[name].more ? 1 : -1;
    const best = trials.reduce((a, b) => (sign * b.scores[name] > sign * a.scores[name] ? b : a));
    return { validator: name, entry: trials.indexOf(best) };
  });
  const oracle = oracles.length === 0 ? undefined : spreadOf(oracles);
  return { entries, choices, images: known.length, oracle, seeds };
}

function openFigures(
  { results }: AdaptationTrial,
  { truth, labels }: Pick<OpenedDomains, "truth" | "labels">,
): AdaptationEntry["open"] {
  const figures = results.map(({ answers }) => openAccuracy(answers, truth, labels.length));
  const over = (name: "known" | "unknown" | "harmonic"): Spread | undefined => {
    const values = figures.map((one) => one[name]).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : spreadOf(values);
  };
  const called = results.map(({ answers }) => answers.filter((one) => one === labels.length).length / answers.length);
  return { called: spreadOf(called), known: over("known"), unknown: over("unknown"), harmonic: over("harmonic") };
}
