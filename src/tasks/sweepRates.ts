import { GraftError } from "../base/errors.ts";
import { fit } from "../train/fit.ts";
import { RateCurve, sweepSchedule } from "../train/learningRateFinder.ts";
import { TrainingState } from "../train/state.ts";
import { type Attempt, initialWeights, stepsOf } from "./learn.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

export interface SweepRange {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
}

/** Trains a copy for a few steps at rising rates; nothing where what is planned is solved and not learned by steps. */
export async function* sweepRates(
  job: Job,
  { plan, settings }: Attempt,
  { from, to, steps }: SweepRange,
): AsyncGenerator<TaskEvent, RateCurve | undefined> {
  const { platform, signal } = job;
  const { learning } = plan;
  if (learning === undefined) return undefined;
  const stepsAnEpoch = Math.ceil(job.split.train.length / job.input.batchSize);
  const whole = stepsOf(job, plan, learning, { ...settings, epochs: Math.ceil(steps / stepsAnEpoch) });
  const base = learning.recipe.optimizer.learningRate;
  const schedule = sweepSchedule(from, to, steps, base);
  const sweep = { ...whole, schedule, validation: undefined, callbacks: [] };
  const curve = new RateCurve();
  const state = new TrainingState(yield* initialWeights(plan));
  const means = { engine: platform.engine, nowMs: () => platform.nowMs(), signal };
  try {
    for await (const event of fit(sweep, state, means)) {
      if (event.type === "interrupted") throw new GraftError("interrupted", "stopped; nothing was changed.");
      if (event.type !== "step") continue;
      const done = curve.points.length + 1;
      yield { type: "progress", phase: "rates", unit: "steps", done, total: steps };
      if (curve.add(base * schedule(done - 1, steps), event.loss) || done === steps) break;
    }
  } catch (error) {
    // What the sweep is after: a rate that is too high.
    if (!(error instanceof GraftError) || error.code !== "diverged") throw error;
  }
  return curve;
}
