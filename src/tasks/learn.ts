import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import type { Platform } from "../platform/platform.ts";
import { earlyStopping } from "../train/callbacks.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import { Evaluator } from "../train/evaluator.ts";
import { type FitPlan, fit } from "../train/fit.ts";
import { measures } from "../train/measures.ts";
import { type EpochLog, freshProgress } from "../train/progress.ts";
import { TrainingState } from "../train/state.ts";
import type { Evaluation, Learning, TransferPlan } from "../transfer/strategy.ts";
import type { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";
import { type Job, patienceOf, type Settings } from "./trainPlan.ts";

const checkpointMs = 500;
const evaluatedRows = 64;
const byClass: Evaluation = {
  loss: sparseCategoricalCrossentropy(),
  measures: [measures.accuracy],
  taught: (data) => data,
};

/** What a strategy is carried out with. */
export interface Attempt {
  readonly plan: TransferPlan;
  readonly settings: Settings;
}

/** What came of it. */
export interface Learned extends Attempt {
  readonly state: TrainingState;
  readonly history: readonly EpochLog[];
}

/** Carries a plan out from where the run's folder stands; nothing when it was interrupted. */
export async function* learn(
  job: Job,
  { plan, settings }: Attempt,
  folder: RunFolder,
): AsyncGenerator<TaskEvent, Learned | undefined> {
  const { platform, signal } = job;
  const { learning } = plan;
  const checkpoint = folder.checkpoint(job.input.strategy === "auto" ? settings.strategy : undefined);
  if (learning === undefined) {
    const state = new TrainingState(yield* initialWeights(plan));
    const log = await measured(job, plan, state);
    yield { type: "epoch", epochs: 1, log };
    return { plan, settings, state, history: [log] };
  }
  const steps = stepsOf(job, plan, learning, settings);
  const stored = await storedProgress(steps, checkpoint, platform);
  const state = stored?.state ?? new TrainingState(yield* initialWeights(plan));
  if (stored !== undefined) {
    const { epoch, batch } = stored.progress;
    yield { type: "note", text: `resuming in epoch ${epoch + 1}, after ${batch} of its steps` };
  } else if (job.input.resume !== undefined) {
    yield { type: "note", text: "nothing was saved before the run ended; it begins again" };
  }
  const means = {
    engine: platform.engine,
    store: platform.store,
    nowMs: () => platform.nowMs(),
    signal,
    checkpointMs,
    async saveCheckpoint(...[current, now, callbacks]: Parameters<typeof encodeCheckpoint>) {
      await platform.store.write(checkpoint, encodeCheckpoint(current, now, callbacks));
      await folder.writeHistory(current.history);
    },
  };
  const progress = stored?.progress ?? freshProgress();
  for await (const event of fit(steps, state, means, progress)) {
    yield event;
    if (event.type !== "interrupted") continue;
    yield { type: "note", text: `saved. Continue with: graft train --resume ${folder.path}` };
    return undefined;
  }
  return { plan, settings, state, history: progress.history };
}

/** A plan's learning as steps over the job's images. */
export function stepsOf(
  { input, split, classWeights }: Job,
  plan: TransferPlan,
  { recipe, schedule, taught = (data) => data }: Learning,
  { epochs }: Settings,
): FitPlan {
  const of = (indices: readonly number[], isTraining: boolean) =>
    taught(plan.data(indices, isTraining), indices, isTraining);
  return {
    recipe,
    schedule,
    train: of(split.train, true),
    validation: of(split.validation, false),
    epochs,
    batchSize: input.batchSize,
    seed: input.seed,
    classWeights,
    measures: (plan.evaluation ?? byClass).measures,
    callbacks: [earlyStopping({ patience: patienceOf(epochs) })],
  };
}

export async function* initialWeights({
  initial,
}: TransferPlan): AsyncGenerator<TaskEvent, ReturnType<TrainingState["snapshot"]>> {
  if (typeof initial !== "function") return new Map(initial);
  const made = initial();
  return new Map("next" in made ? yield* made : await made);
}

/** What a checkpoint says, where there is one. */
export async function storedProgress(plan: FitPlan, checkpoint: string, { store }: Platform) {
  if ((await store.info(checkpoint)) === undefined) return undefined;
  return decodeCheckpoint(await store.read(checkpoint), checkpoint, plan.callbacks);
}

/** The line of the history that a solved head has. */
async function measured({ split, platform }: Job, plan: TransferPlan, state: TrainingState): Promise<EpochLog> {
  const startMs = platform.nowMs();
  const evaluator = new Evaluator(plan.network, platform.engine);
  const { taught, ...judged } = plan.evaluation ?? byClass;
  const options = { ...judged, batchSize: evaluatedRows };
  const of = (indices: readonly number[]) =>
    evaluator.evaluate(taught(plan.data(indices, false), indices, false), state, options);
  try {
    const train = await of(split.train);
    const validation = await of(split.validation);
    const held = Object.entries(validation).map(([name, value]) => [`val_${name}`, value] as const);
    return { epoch: 1, ...train, ...Object.fromEntries(held), duration_ms: Math.round(platform.nowMs() - startMs) };
  } finally {
    await evaluator.dispose();
  }
}
