import { GraftError } from "../base/errors.ts";
import { sizeOf } from "../base/tensor.ts";
import { encodeCheckpoint } from "../train/checkpoint.ts";
import { fit } from "../train/fit.ts";
import { freshProgress } from "../train/progress.ts";
import { TrainingState } from "../train/state.ts";
import type { Weights } from "../transfer/strategy.ts";
import { circumstancesOf, type Trial } from "./drawTrials.ts";
import { type Attempt, initialWeights, stepsOf, storedProgress } from "./learn.ts";
import { answersOf, probabilitiesOf } from "./probabilities.ts";
import { type Circumstances, dimensionOf, searchedOptions } from "./searchSpace.ts";
import type { TaskEvent } from "./task.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";
import { type Job, planOf, settingsOf } from "./trainPlan.ts";

const checkpointMs = 5000;

/** How a trial is carried out. */
export interface TrialOptions {
  readonly circumstances: Circumstances;
  /** Its training pauses after so many epochs, or ends sooner; a head that is solved has none. */
  readonly untilEpochs: number;
  /** Where its training stands, and is left. */
  readonly checkpoint: string;
  readonly solvedHead: Weights | undefined;
}

/** What a trial's network answers. */
export interface TrialAnswers {
  /** 1 for each image that is named right, else 0. */
  readonly right: readonly number[];
  /** Mean cross-entropy. */
  readonly loss: number;
  /** That its training has taken so far; nothing for a head that is solved. */
  readonly epochs: number | undefined;
  /** Numbers in the network. */
  readonly size: number;
}

/** The input of `train` that a trial stands for; options that are of no use to its head are as if nobody had named them. */
export function inputOf(input: TrainInput, { values }: Trial, given: Circumstances): TrainInput {
  const circumstances = circumstancesOf(values, given);
  const isHead = circumstances.strategy === "feature-extraction";
  const idle = searchedOptions.filter((name) => isHead && !dimensionOf(name).applies(circumstances));
  return trainSchema.parse({ ...input, ...values, ...Object.fromEntries(idle.map((name) => [name, undefined])) });
}

/** Trains a trial from where it stands and asks about `indices`. Throws `diverged`, and `interrupted` with the progress saved. */
export async function* runTrial(
  job: Job,
  trial: Trial,
  options: TrialOptions,
  indices: readonly number[],
): AsyncGenerator<TaskEvent, TrialAnswers> {
  const { circumstances, solvedHead } = options;
  const input = inputOf(job.input, trial, circumstances);
  const own = { ...job, input };
  const settings = settingsOf(input, circumstances.strategy);
  const plan = yield* quietly(planOf(own, settings, solvedHead));
  try {
    const { state, epochs } = yield* quietly(trainedState(own, { plan, settings }, options));
    const probabilities = await probabilitiesOf(own, { plan, state }, indices);
    const size = plan.network.parameters.list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    return { ...judged(job, probabilities, indices), epochs, size };
  } finally {
    await plan.dispose();
  }
}

/** Many trainings tell too much: what goes on is enough. */
async function* quietly<T>(events: AsyncGenerator<TaskEvent, T>): AsyncGenerator<TaskEvent, T> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    const event = next.value;
    if (event.type === "step" || (event.type === "progress" && event.done < event.total)) yield event;
  }
}

/** The weights of the best epoch so far, or of a head that is solved. */
async function* trainedState(
  job: Job,
  { plan, settings }: Attempt,
  { untilEpochs, checkpoint }: TrialOptions,
): AsyncGenerator<TaskEvent, { readonly state: TrainingState; readonly epochs: number | undefined }> {
  if (plan.learning === undefined) {
    return { state: new TrainingState(yield* initialWeights(plan)), epochs: undefined };
  }
  const { engine, store, nowMs } = job.platform;
  const steps = stepsOf(job, plan, plan.learning, settings);
  const stored = await storedProgress(steps, checkpoint, job.platform);
  const state = stored?.state ?? new TrainingState(yield* initialWeights(plan));
  const progress = stored?.progress ?? freshProgress();
  const saveCheckpoint = () => store.write(checkpoint, encodeCheckpoint(progress, state, steps.callbacks));
  const means = { engine, nowMs, signal: job.signal, checkpointMs, saveCheckpoint };
  if (progress.epoch < untilEpochs && progress.stopReason === undefined) {
    for await (const event of fit(steps, state, means, progress)) {
      yield event;
      if (event.type === "interrupted") throw new GraftError("interrupted", "stopped within a trial; it is saved.");
      // The plan has epochs up to the last rung, by which its schedule goes: this is a pause, not its end.
      if (event.type === "epoch" && progress.epoch === untilEpochs) {
        await saveCheckpoint();
        break;
      }
    }
  }
  for (const callback of steps.callbacks) callback.onTrainEnd?.(state);
  return { state, epochs: progress.epoch };
}

/** Probabilities below it would make single images count without bound. */
const leastProbability = 1e-7;

function judged({ images, labels }: Job, probabilities: Float32Array, indices: readonly number[]) {
  const classes = labels.length;
  const truth = indices.map((i) => images.samples[i]?.label ?? 0);
  const answers = answersOf(probabilities, classes);
  const losses = truth.map(
    (label, i) => -Math.log(Math.max(leastProbability, probabilities[i * classes + label] ?? 0)),
  );
  return {
    right: truth.map((label, i) => Number(answers[i] === label)),
    loss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
  };
}
