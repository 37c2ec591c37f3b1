import { GraftError } from "../base/errors.ts";
import type { Weights } from "../transfer/strategy.ts";
import { circumstancesOf, type Trial } from "./drawTrials.ts";
import type { RunFolder } from "./runFolder.ts";
import { runTrial, type TrialAnswers } from "./runTrial.ts";
import type { SearchPlan } from "./searchPlan.ts";
import { learnsBySteps, type TrialValues } from "./searchSpace.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";
import { packAnswers, type TrialRow, type TrialTable } from "./trialTable.ts";

/** What a search works with. */
export interface Race {
  readonly plan: SearchPlan;
  readonly job: Job;
  readonly folder: RunFolder;
  readonly table: TrialTable;
  /** Where fine-tuning begins: the same for all trials. */
  readonly solvedHead: Weights | undefined;
}

/** Measures every trial, and after each rung those again that did best; what the table has already is not measured twice. */
export async function* race(all: Race): AsyncGenerator<TaskEvent> {
  const { plan, table, job, folder } = all;
  const { trials, rungs, circumstances } = plan;
  for (const trial of trials) {
    const isRaced = learnsBySteps(circumstancesOf(trial.values, circumstances));
    yield* measure(all, trial, isRaced ? 1 : rungs.length);
  }
  for (const [before, { trials: places, epochs }] of rungs.entries()) {
    if (before === 0) continue;
    const standing = table.standing(before).map(({ trial }) => trial);
    if (standing.length === 0) continue;
    for (const trial of standing.slice(places)) await job.platform.store.remove(checkpointOf(folder, trial));
    const going = new Set(standing.slice(0, places));
    yield { type: "note", text: `the best ${going.size} of ${standing.length} go on, up to ${epochs} epochs` };
    for (const trial of trials) if (going.has(trial.number)) yield* measure(all, trial, before + 1);
  }
}

/** What a trial's network answers about other images, once it has been trained to the end. */
export function answersOn(
  all: Race,
  trial: Trial,
  indices: readonly number[],
): AsyncGenerator<TaskEvent, TrialAnswers> {
  const { plan, job, folder, solvedHead } = all;
  const { circumstances, rungs } = plan;
  const untilEpochs = rungs.at(-1)?.epochs ?? 0;
  const checkpoint = checkpointOf(folder, trial.number);
  return runTrial(job, trial, { circumstances, untilEpochs, checkpoint, solvedHead }, indices);
}

async function* measure(all: Race, trial: Trial, rung: number): AsyncGenerator<TaskEvent> {
  const { plan, job, folder, table, solvedHead } = all;
  if (table.has(trial.number, rung)) return;
  if (job.signal.aborted) throw new GraftError("interrupted", "stopped between two trials.");
  const startMs = job.platform.nowMs();
  const untilEpochs = plan.rungs[rung - 1]?.epochs ?? 0;
  const checkpoint = checkpointOf(folder, trial.number);
  const options = { circumstances: plan.circumstances, untilEpochs, checkpoint, solvedHead };
  const found = yield* orDiverged(runTrial(job, trial, options, job.split.validation));
  const seconds = Number(((job.platform.nowMs() - startMs) / 1000).toFixed(3));
  const row = rowOf({ trial: trial.number, values: trial.values, rung, seconds }, found);
  const leader = table.standing(plan.rungs.length)[0]?.trial;
  await table.add(row);
  yield { type: "note", text: told(row, plan.trials.length) };
  if (rung === plan.rungs.length) await keepLeader(all, trial.number, leader);
}

/** Of the trials that are over, the checkpoint of the best alone stays. */
async function keepLeader({ plan, job, folder, table }: Race, trial: number, before: number | undefined) {
  const leader = table.standing(plan.rungs.length)[0]?.trial;
  for (const past of new Set([trial, before])) {
    if (past !== undefined && past !== leader) await job.platform.store.remove(checkpointOf(folder, past));
  }
}

function checkpointOf(folder: RunFolder, trial: number): string {
  return folder.checkpoint(`trial-${trial}`);
}

/** A rate may be too high: that is a result too. */
async function* orDiverged(
  events: AsyncGenerator<TaskEvent, TrialAnswers>,
): AsyncGenerator<TaskEvent, TrialAnswers | { readonly reason: string }> {
  try {
    return yield* events;
  } catch (error) {
    if (error instanceof GraftError && error.code === "diverged") return { reason: error.message };
    throw error;
  }
}

function rowOf(
  common: Pick<TrialRow, "trial" | "rung" | "seconds"> & { readonly values: TrialValues },
  found: TrialAnswers | { readonly reason: string },
): TrialRow {
  const { trial, values, rung, seconds } = common;
  const begun = { trial, rung, values: { ...values }, seconds };
  if ("reason" in found) return { ...begun, outcome: "diverged", reason: found.reason };
  const { right, loss, size, epochs } = found;
  const accuracy = right.reduce((sum, one) => sum + one, 0) / right.length;
  const trained = epochs === undefined ? {} : { epochs };
  return { ...begun, ...trained, outcome: "measured", accuracy, loss, size, right: packAnswers(right) };
}

function told(row: TrialRow, trials: number): string {
  const result =
    row.outcome === "diverged"
      ? "diverged"
      : `${(100 * row.accuracy).toFixed(1)} %${row.epochs === undefined ? "" : `, ${row.epochs} epoch${row.epochs === 1 ? "" : "s"}`}`;
  return `trial ${row.trial}/${trials}: ${shownValues(row.values)}: ${result}, ${row.seconds.toFixed(1)} s`;
}

/** `head mlp, learningRate 0.003`. */
export function shownValues(values: Readonly<Record<string, string | number>>): string {
  const entries = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return entries.length === 0 ? "settings as they were" : entries.join(", ");
}
