import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { subset } from "../train/data.ts";
import { fit } from "../train/fit.ts";
import { TrainingState } from "../train/state.ts";
import type { TransferPlan, Weights } from "../transfer/strategy.ts";
import { stepsOf } from "./learn.ts";
import type { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";
import type { Job, Settings } from "./trainPlan.ts";

/** Fewer epochs are not worth their while. */
const fewestEpochs = 3;
const timedSteps = 3;
/** A forward pass alone, over a training step. */
const forwardShare = 1 / 3;
/** What was decided once, so that a resumed run goes on alike. */
const decisionFile = "budget.json";
const decisionSchema = z.record(z.string(), z.number().int().min(1));

interface Candidate {
  readonly job: Job;
  readonly plan: TransferPlan;
  readonly initial: Weights;
  readonly folder: RunFolder;
}

/** The settings with as many epochs as the time until `endMs` allows, or why there is no time. */
export async function* affordable(
  candidate: Candidate,
  wanted: Settings,
  endMs: number,
): AsyncGenerator<TaskEvent, Settings | { readonly reason: string }> {
  const { job, plan, folder } = candidate;
  if (plan.learning === undefined || endMs === Number.POSITIVE_INFINITY) return wanted;
  const decided = await decisions(folder);
  const known = decided[wanted.strategy];
  if (known !== undefined) return { ...wanted, epochs: known };
  const epochMs = await timedEpoch(candidate, plan.learning, wanted);
  const leftMs = Math.max(0, endMs - job.platform.nowMs());
  const epochs = Math.min(wanted.epochs, Math.floor(leftMs / epochMs));
  const needs = `an epoch of ${wanted.strategy} takes about ${(epochMs / 1000).toFixed(0)} s`;
  const allowed = `--budget ${job.input.budget}`;
  if (epochs < Math.min(fewestEpochs, wanted.epochs)) {
    return {
      reason: `${wanted.strategy} was left out: ${needs}, and ${(leftMs / 1000).toFixed(0)} s of ${allowed} are left`,
    };
  }
  await folder.writeJson(decisionFile, { ...decided, [wanted.strategy]: epochs });
  const limit = epochs < wanted.epochs ? `, as many as ${allowed} allows` : " at most";
  yield { type: "note", text: `${needs}: ${epochs} of them${limit}` };
  return { ...wanted, epochs };
}

async function decisions(folder: RunFolder): Promise<Readonly<Record<string, number>>> {
  if (!(await folder.has(decisionFile))) return {};
  const stored = decisionSchema.safeParse(await folder.readJson(decisionFile));
  if (stored.success) return stored.data;
  throw new GraftError(
    "input",
    `"${folder.file(decisionFile)}" was changed or damaged: expected the epochs of each strategy. Delete it to decide anew.`,
  );
}

/** How long an epoch will take, from a few steps that are thrown away. */
async function timedEpoch(
  { job, plan, initial }: Candidate,
  learning: NonNullable<TransferPlan["learning"]>,
  settings: Settings,
): Promise<number> {
  const { platform, split } = job;
  const steps = stepsOf(job, plan, learning, settings);
  const count = Math.min(steps.train.count, timedSteps * steps.batchSize);
  const few = subset(
    steps.train,
    Uint32Array.from({ length: count }, (_, i) => i),
  );
  const { optimizer } = steps.recipe;
  // The dearest epochs are those in which everything learns.
  const groups = optimizer.groups.map((group) => ({ ...group, frozenSteps: 0 }));
  const recipe = { ...steps.recipe, optimizer: { ...optimizer, groups } };
  const trial = { ...steps, recipe, train: few, validation: undefined, epochs: 1, callbacks: [] };
  const means = { engine: platform.engine, nowMs: () => platform.nowMs() };
  let lastMs = platform.nowMs();
  let perSampleMs = Number.POSITIVE_INFINITY;
  for await (const event of fit(trial, new TrainingState(initial), means)) {
    if (event.type !== "step") continue;
    const nowMs = platform.nowMs();
    perSampleMs = Math.min(perSampleMs, (nowMs - lastMs) / event.samples);
    lastMs = nowMs;
  }
  return perSampleMs * (split.train.length + forwardShare * split.validation.length);
}
