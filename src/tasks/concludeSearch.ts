import { GraftError } from "../base/errors.ts";
import { wilsonInterval } from "../metrics/wilson.ts";
import { answersOn, type Race } from "./race.ts";
import { absolutePaths } from "./resume.ts";
import { inputOf } from "./runTrial.ts";
import type { TaskEvent, TrialEntry } from "./task.ts";
import { type MeasuredRow, tableFile } from "./trialTable.ts";
import { named, rightOn, toldVerdict, type Verdict, verdictOf } from "./verdict.ts";

/** Ranks the trials, says what the best is worth, and leaves its settings for train. */
export async function* conclude(all: Race): AsyncGenerator<TaskEvent> {
  const { plan, job, folder, table } = all;
  const { validation } = job.split;
  const verdict = verdictOf(table, plan.rungs.length, validation.length, plan.input.seed);
  if (verdict === undefined) {
    throw new GraftError("diverged", "no trial came to its end: all diverged. Search lower learning rates (--space).");
  }
  yield { type: "trials", entries: entriesOf(all, verdict) };
  for (const text of toldVerdict(verdict, validation.length)) yield { type: "note", text };
  const { best, simplest, gain, bias } = verdict;
  const test = yield* testFigures(all, verdict);
  const account = { best: best.trial, simplest: simplest.trial, gain: gain ?? null, bias, test };
  await folder.writeJson("account.json", account);
  yield { type: "artefact", kind: "trials", path: folder.file(tableFile) };
  yield* writeSettings(all, best, "best.json");
  if (simplest !== best) yield* writeSettings(all, simplest, "simplest.json");
  await job.platform.store.remove(folder.file("checkpoints"));
}

/** On images that had no part in the search, where the data set has any. */
async function* testFigures(all: Race, { best, simplest }: Verdict): AsyncGenerator<TaskEvent, Record<string, number>> {
  const { test } = all.job.split;
  const figures: Record<string, number> = {};
  for (const row of test.length === 0 ? [] : new Set([best, simplest])) {
    const trial = all.plan.trials.find(({ number }) => number === row.trial);
    if (trial === undefined) continue;
    const { right } = yield* answersOn(all, trial, test);
    const accuracy = right.reduce((sum, one) => sum + one, 0) / right.length;
    figures[`trial ${row.trial}`] = accuracy;
    yield { type: "note", text: `test: ${named(row)}: ${rightOn(accuracy, test.length)}` };
  }
  return figures;
}

async function* writeSettings(all: Race, { trial }: MeasuredRow, name: string): AsyncGenerator<TaskEvent> {
  const { plan, folder, job } = all;
  const chosen = plan.trials.find(({ number }) => number === trial);
  if (chosen === undefined) return;
  const input = inputOf(plan.input, chosen, plan.circumstances);
  await folder.writeJson(name, { train: { ...input, ...(await absolutePaths(input, job.platform)) } });
  yield { type: "note", text: `train it: graft train --config ${folder.file(name)}` };
}

/** The finished trials, then those that dropped out, the later the better; those that diverged last. */
function entriesOf({ plan, table, job }: Race, { finished }: Verdict): readonly TrialEntry[] {
  const images = job.split.validation.length;
  const placed = new Set<number>();
  const entries: TrialEntry[] = [];
  const add = (row: MeasuredRow, isFinished: boolean) => {
    if (placed.has(row.trial)) return;
    placed.add(row.trial);
    const { trial, values, epochs, accuracy } = row;
    const seconds = table.rows.reduce((sum, one) => sum + (one.trial === trial ? one.seconds : 0), 0);
    const { lower, upper } = wilsonInterval(accuracy, images);
    entries.push({ trial, values, epochs, accuracy, interval: [lower, upper], seconds, isFinished });
  };
  for (const row of finished) add(row, true);
  for (let rung = plan.rungs.length - 1; rung > 0; rung--) for (const row of table.standing(rung)) add(row, false);
  return entries;
}
