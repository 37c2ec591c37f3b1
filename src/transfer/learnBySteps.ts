import { GraftError } from "../base/errors.ts";
import type { Engine } from "../platform/platform.ts";
import type { Callback } from "../train/callbacks.ts";
import { type FitEvent, type FitPlan, fit } from "../train/fit.ts";
import { type FitProgress, freshProgress } from "../train/progress.ts";
import type { TrainingState } from "../train/state.ts";

/** How domains are learned by steps. */
export interface DomainLearning {
  readonly epochs: number;
  /** Of which one half is of each domain. */
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly nowMs: () => number;
  /** The target lacks classes of the source: these come to count less. Default: it has them all. */
  readonly isPartial?: boolean | undefined;
  /** Where progress is kept, by the name of a lesson: one that was stopped goes on, one that is done is not done again. Default: nowhere. */
  readonly checkpoints?: Checkpoints | undefined;
}

export interface Checkpoints {
  load(lesson: string, callbacks: readonly Callback[]): Promise<Stored | undefined>;
  save(lesson: string, progress: FitProgress, state: TrainingState, callbacks: readonly Callback[]): Promise<void>;
  /** The least time between two of them. */
  readonly everyMs: number;
}

export interface Stored {
  readonly progress: FitProgress;
  readonly state: TrainingState;
}

/** A part of what is learned by steps. */
export interface Lesson extends Pick<FitPlan, "recipe" | "schedule" | "train" | "classWeights" | "batchSize"> {
  readonly name: string;
  readonly callbacks: readonly Callback[];
}

/** Learns from `start`, or on from where it was stopped. Throws `interrupted`. */
export async function* learnBySteps(
  { name, ...lesson }: Lesson,
  start: TrainingState,
  { epochs, seed, nowMs, checkpoints }: DomainLearning,
  { engine, signal }: { readonly engine: Engine; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<FitEvent, Stored> {
  const stored = await checkpoints?.load(name, lesson.callbacks);
  const { progress, state } = stored ?? { progress: freshProgress(), state: start };
  const plan = { ...lesson, validation: undefined, epochs, seed, measures: [] };
  const saving =
    checkpoints === undefined
      ? {}
      : {
          checkpointMs: checkpoints.everyMs,
          saveCheckpoint: (...now: [FitProgress, TrainingState, readonly Callback[]]) => checkpoints.save(name, ...now),
        };
  for await (const event of fit(plan, state, { engine, nowMs, signal, ...saving }, progress)) {
    if (event.type === "interrupted") {
      if (checkpoints !== undefined) yield event;
      const kept = checkpoints === undefined ? "nothing was kept" : "what was learned so far is kept";
      throw new GraftError("interrupted", `stopped while domains were being learned; ${kept}.`);
    }
    yield event;
  }
  return { progress, state };
}
