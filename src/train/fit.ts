import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { buildLoss } from "../nn/loss.ts";
import { batchInput, forward } from "../nn/network.ts";
import { startBuild } from "../nn/scope.ts";
import { frozenStepsOf } from "../optim/groups.ts";
import type { Schedule } from "../optim/schedules.ts";
import type { Engine, Store } from "../platform/platform.ts";
import { checkLabels, cutBatches, epochOrder, sampleWeights, targetTensor } from "./batches.ts";
import type { Callback } from "./callbacks.ts";
import type { TrainingData } from "./data.ts";
import { firstBadTensor } from "./diagnose.ts";
import { Evaluator } from "./evaluator.ts";
import { type Measure, MeasureSums } from "./measures.ts";
import { type EpochLog, type FitProgress, freshProgress } from "./progress.ts";
import type { TrainingState } from "./state.ts";
import { type Batch, dropoutKeys, type Recipe, recipeAt, type Step } from "./step.ts";
import { StepCache } from "./stepCache.ts";

/** Everything that decides the result of a fit; equal plans give equal bytes. */
export interface FitPlan {
  readonly recipe: Recipe;
  readonly train: TrainingData;
  readonly validation: TrainingData | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  /** Samples computed at once, where a whole batch would not fit into memory; gradients are summed. Default: the batch. */
  readonly partSize?: number;
  readonly seed: number;
  readonly schedule: Schedule;
  readonly classWeights: readonly number[] | undefined;
  readonly measures: readonly Measure[];
  readonly callbacks: readonly Callback[];
}

/** What a fit works with. */
export interface FitMeans {
  readonly engine: Engine;
  readonly nowMs: () => number;
  readonly store?: Store;
  readonly signal?: AbortSignal | undefined;
  /** Saves the progress so that a later fit continues from it; called at the end, at a stop, and between when due. */
  readonly saveCheckpoint?: (
    progress: FitProgress,
    state: TrainingState,
    callbacks: readonly Callback[],
  ) => Promise<void>;
  /** The least time between two checkpoints; it grows so that saving takes at most 2 % of the whole. Left out: only at the end. */
  readonly checkpointMs?: number;
}

/** After a save of 1 ms, training goes on for so many. */
const trainingPerSave = 50;

export type FitEvent =
  | {
      readonly type: "step";
      readonly epoch: number;
      readonly epochs: number;
      readonly step: number;
      readonly steps: number;
      readonly samples: number;
      readonly loss: number;
    }
  | { readonly type: "epoch"; readonly epochs: number; readonly log: EpochLog }
  | { readonly type: "stopped"; readonly epoch: number; readonly reason: string }
  | { readonly type: "interrupted"; readonly epoch: number; readonly step: number };

/**
 * Trains until the epochs are over, a callback stops it or the signal asks to; yields what happens.
 * Started with the progress and state of an earlier, interrupted fit, it ends at the same bytes as an unbroken one.
 * Throws `diverged` naming the first bad tensor when the loss is not finite.
 */
export async function* fit(
  plan: FitPlan,
  state: TrainingState,
  means: FitMeans,
  progress: FitProgress = freshProgress(),
): AsyncGenerator<FitEvent, FitProgress> {
  const steps = new StepCache(plan, means.engine);
  const evaluator = new Evaluator(plan.recipe.network, means.engine);
  checkPlan(plan);
  if (progress.epoch === 0 && progress.batch === 0) for (const callback of plan.callbacks) callback.start();
  let dueMs = means.nowMs() + (means.checkpointMs ?? Number.POSITIVE_INFINITY);
  const save = async () => {
    const startMs = means.nowMs();
    await means.saveCheckpoint?.(progress, state, plan.callbacks);
    const endMs = means.nowMs();
    const pauseMs = means.checkpointMs ?? Number.POSITIVE_INFINITY;
    dueMs = endMs + Math.max(pauseMs, trainingPerSave * (endMs - startMs));
  };
  const saveWhenDue = async () => {
    if (means.nowMs() >= dueMs) await save();
  };
  try {
    while (progress.epoch < plan.epochs && progress.stopReason === undefined) {
      const interrupted = yield* trainEpoch(plan, state, means, progress, steps, saveWhenDue);
      if (interrupted) {
        await save();
        yield { type: "interrupted", epoch: progress.epoch + 1, step: progress.batch };
        return progress;
      }
      await finishEpoch(plan, state, means, progress, evaluator);
      const log = progress.history.at(-1);
      if (log !== undefined) yield { type: "epoch", epochs: plan.epochs, log };
      await saveWhenDue();
    }
    await save();
    if (progress.stopReason !== undefined)
      yield { type: "stopped", epoch: progress.epoch, reason: progress.stopReason };
    if (plan.recipe.optimizer.averageDecay !== undefined) {
      state.restore(evaluatedState(plan, state).snapshot(plan.recipe.trainable));
    }
    for (const callback of plan.callbacks) callback.onTrainEnd?.(state);
    progress.finished = true;
    return progress;
  } finally {
    await steps.dispose();
    await evaluator.dispose();
  }
}

/** Runs the rest of the current epoch; true when the signal stopped it between two steps. */
async function* trainEpoch(
  plan: FitPlan,
  state: TrainingState,
  means: FitMeans,
  progress: FitProgress,
  steps: StepCache,
  saveWhenDue: () => Promise<void>,
): AsyncGenerator<FitEvent, boolean> {
  const { train, recipe, seed, epochs } = plan;
  const epoch = progress.epoch;
  const batches = cutBatches(train.order?.(seed, epoch) ?? epochOrder(train.count, seed, epoch), plan.batchSize);
  const startMs = means.nowMs();
  while (progress.batch < batches.length) {
    if (means.signal?.aborted) {
      progress.epochMs += means.nowMs() - startMs;
      return true;
    }
    const indices = batches[progress.batch] ?? new Uint32Array(0);
    const step = await steps.get(indices.length, state.step);
    const batch = await makeBatch(plan, indices, { epoch, share: progress.batch / batches.length }, step.target);
    const rate =
      recipe.optimizer.learningRate * progress.rateFactor * plan.schedule(state.step, batches.length * epochs);
    const { loss, predictions } = await step.run(state, batch, rate);
    if (!Number.isFinite(loss)) throw await diverged(plan, state, batch, means.engine, epoch, progress.batch);
    accumulate(plan, progress, batch, loss, predictions);
    progress.learningRate = rate;
    progress.batch++;
    yield {
      type: "step",
      epoch: epoch + 1,
      epochs,
      step: progress.batch,
      steps: batches.length,
      samples: indices.length,
      loss,
    };
    await saveWhenDue();
  }
  progress.epochMs += means.nowMs() - startMs;
  return false;
}

async function makeBatch(
  plan: FitPlan,
  indices: Uint32Array,
  { epoch, share }: { readonly epoch: number; readonly share: number },
  target: Step["target"],
): Promise<Batch> {
  const { train, recipe, seed } = plan;
  const targets = (await train.targetsOf?.(epoch, share)) ?? train.targets;
  return {
    x: await train.load(indices, epoch),
    y: targetTensor(targets, indices, target, recipe.loss.name),
    weights: sampleWeights(targets, indices, plan.classWeights),
    dropoutKeys: dropoutKeys(seed, epoch, indices),
  };
}

function accumulate(plan: FitPlan, progress: FitProgress, batch: Batch, loss: number, predictions: Tensor): void {
  const count = batch.x.shape[0] ?? 0;
  const { sums } = progress;
  progress.seen += count;
  sums["loss"] = (sums["loss"] ?? 0) + loss * count;
  new MeasureSums(sums).add(plan.measures, predictions, batch.y);
}

async function finishEpoch(
  plan: FitPlan,
  state: TrainingState,
  means: FitMeans,
  progress: FitProgress,
  evaluator: Evaluator,
): Promise<void> {
  const startMs = means.nowMs();
  const evaluated = evaluatedState(plan, state);
  const logs: Record<string, number> = {
    loss: (progress.sums["loss"] ?? 0) / progress.seen,
    ...new MeasureSums(progress.sums).means(plan.measures),
  };
  if (plan.validation !== undefined) {
    const { recipe, measures, batchSize } = plan;
    const values = await evaluator.evaluate(plan.validation, evaluated, {
      loss: recipe.loss,
      measures,
      batchSize: Math.max(batchSize, 64),
    });
    for (const [name, value] of Object.entries(values)) logs[`val_${name}`] = value;
  }
  progress.epoch++;
  for (const callback of plan.callbacks) {
    await callback.onEpochEnd({
      epoch: progress.epoch,
      logs,
      state: evaluated,
      parameters: plan.recipe.network.parameters.list,
      store: means.store,
      stop(reason) {
        progress.stopReason ??= reason;
      },
      scaleLearningRate(factor) {
        progress.rateFactor *= factor;
      },
      log(figures) {
        Object.assign(logs, figures);
      },
    });
  }
  const durationMs = progress.epochMs + means.nowMs() - startMs;
  progress.history.push({
    epoch: progress.epoch,
    ...logs,
    learning_rate: progress.learningRate,
    duration_ms: Math.round(durationMs),
  });
  Object.assign(progress, { batch: 0, seen: 0, sums: {}, epochMs: 0 });
}

/** The state that is measured and kept: with the averages of the weights where the optimiser keeps them. */
function evaluatedState({ recipe }: FitPlan, state: TrainingState): TrainingState {
  const { averageDecay } = recipe.optimizer;
  if (averageDecay === undefined || state.step === 0) return state;
  return state.averaged(
    recipe.trainable.map(({ path }) => path),
    averageDecay,
    (path) => frozenStepsOf(recipe.optimizer.groups, path),
  );
}

async function diverged(
  plan: FitPlan,
  state: TrainingState,
  batch: Batch,
  engine: Engine,
  epoch: number,
  step: number,
): Promise<GraftError> {
  const culprit = await firstBadTensor(recipeAt(plan.recipe, state.step), state, batch, engine);
  return new GraftError(
    "diverged",
    `the loss is not a number at epoch ${epoch + 1}, step ${step + 1}; the first bad tensor is ${culprit}. ` +
      "Lower the learning rate, clip gradients (clipNorm), or check the inputs.",
  );
}

function checkPlan({ recipe, train, validation }: FitPlan): void {
  if (train.count === 0) throw new GraftError("data", "there is no sample to train on.");
  const { network, loss } = recipe;
  const step = network.inputShape;
  const build = startBuild(network.parameters);
  const outputs = forward(network, batchInput(network, 2, "float32"), build);
  const sparse = buildLoss(loss, outputs, build).target.dtype === "int32";
  for (const data of [train, ...(validation === undefined ? [] : [validation])]) {
    if (data.inputShape.join() !== step.join()) {
      throw new GraftError("data", `the samples have shape [${data.inputShape}], the model expects [${step}].`);
    }
    if (sparse) checkLabels(data.targets, outputs.staticShape[1] ?? 0);
  }
}
