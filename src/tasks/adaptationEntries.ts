import type { Compute } from "../algebra/compute.ts";
import { rowsAt } from "../algebra/matrix.ts";
import { foldsOf } from "../data/folds.ts";
import { spreadOf } from "../metrics/spread.ts";
import { dataOf } from "../transfer/domainTrial.ts";
import { solveLinearHead } from "../transfer/linearHead.ts";
import { validatorNames, validators } from "../transfer/validators.ts";
import type { AdaptationTrial, SeedResult } from "./acrossSeeds.ts";
import type { OpenedDomains } from "./openDomains.ts";
import type { AdaptationEntry, AdaptationTable } from "./task.ts";

const foldCount = 5;

/** What was tried, for people: the choice of each validator, and where the target has labels, how right each is. */
export async function adaptationEntries(
  domains: OpenedDomains,
  trials: readonly AdaptationTrial[],
  chosen: AdaptationTrial,
  compute: Compute,
  { seed, seeds }: { readonly seed: number; readonly seeds: number },
): Promise<AdaptationTable> {
  const known = Array.from(domains.truth.keys()).filter((i) => (domains.truth[i] ?? -1) >= 0);
  const rightShare = ({ answers }: SeedResult) =>
    known.filter((i) => answers[i] === domains.truth[i]).length / known.length;
  const entries = trials.map(
    (trial): AdaptationEntry => ({
      method: trial.method,
      setting: trial.setting,
      seconds: trial.seconds,
      scores: trial.scores,
      accuracy: known.length === 0 ? undefined : spreadOf(trial.results.map(rightShare)),
      isChosen: trial === chosen,
    }),
  );
  const choices = validatorNames.map((name) => {
    const sign = validators[name].more ? 1 : -1;
    const best = trials.reduce((a, b) => (sign * b.scores[name] > sign * a.scores[name] ? b : a));
    return { validator: name, entry: trials.indexOf(best) };
  });
  const oracles: number[] = [];
  for (let turn = 0; turn < seeds; turn++) {
    const oracle = await oracleOf(domains, known, seed + turn, compute);
    if (oracle !== undefined) oracles.push(oracle);
  }
  const oracle = oracles.length === 0 ? undefined : spreadOf(oracles);
  return { entries, choices, images: known.length, oracle, seeds };
}

/** What the same head reaches when it learns from the target's labels, in cross-validation: nothing for too few of them. */
async function oracleOf(
  { draw, target, truth }: OpenedDomains,
  known: readonly number[],
  seed: number,
  { engine, signal }: Compute,
): Promise<number | undefined> {
  const { features } = draw(seed);
  const labels = Int32Array.from(known, (i) => truth[i] ?? 0);
  const samples = target.samples.map((sample, i) => ({ ...sample, label: truth[i] ?? -1 }));
  const folds = foldsOf(samples, known, { count: foldCount, seed });
  if (new Set(folds).size < 2 || new Set(labels).size < 2) return undefined;
  const options = {
    units: features.classes,
    folds,
    classWeights: undefined,
    ...(signal === undefined ? {} : { signal }),
  };
  const { trials, penalty } = await solveLinearHead(dataOf(rowsAt(features.target, known), labels), options, engine);
  return trials.find((trial) => trial.penalty === penalty)?.accuracy;
}
