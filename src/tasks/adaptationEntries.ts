import type { Compute } from "../algebra/compute.ts";
import { rowsAt } from "../algebra/matrix.ts";
import { foldsOf } from "../data/folds.ts";
import { dataOf } from "../transfer/domainTrial.ts";
import { type JudgedTrial, validatorNames, validators } from "../transfer/judgeTrial.ts";
import { solveLinearHead } from "../transfer/linearHead.ts";
import type { OpenedDomains } from "./openDomains.ts";
import { answersOf } from "./probabilities.ts";
import type { AdaptationEntry, AdaptationTable } from "./task.ts";

const foldCount = 5;

/** What was tried, for people: the choice of each validator, and where the target has labels, how right each is. */
export async function adaptationEntries(
  domains: OpenedDomains,
  judged: readonly JudgedTrial[],
  chosen: JudgedTrial,
  compute: Compute,
  { seed }: { readonly seed: number },
): Promise<AdaptationTable> {
  const known = Array.from(domains.truth.keys()).filter((i) => (domains.truth[i] ?? -1) >= 0);
  const entries = judged.map(({ trial, scores, seconds }): AdaptationEntry => {
    const answers = answersOf(trial.probabilities.target, domains.labels.length);
    const right = known.filter((i) => answers[i] === domains.truth[i]).length;
    return {
      method: trial.method,
      setting: trial.setting,
      seconds,
      scores,
      accuracy: known.length === 0 ? undefined : right / known.length,
      isChosen: trial === chosen.trial,
    };
  });
  const choices = validatorNames.map((name) => {
    const sign = validators[name].more ? 1 : -1;
    const best = judged.reduce((a, b) => (sign * b.scores[name] > sign * a.scores[name] ? b : a));
    return { validator: name, entry: judged.indexOf(best) };
  });
  return { entries, choices, images: known.length, oracle: await oracleOf(domains, known, seed, compute) };
}

/** What the same head reaches when it learns from the target's labels, in cross-validation: nothing for too few of them. */
async function oracleOf(
  { features, target, truth }: OpenedDomains,
  known: readonly number[],
  seed: number,
  { engine, signal }: Compute,
): Promise<number | undefined> {
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
