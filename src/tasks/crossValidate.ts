import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { crossValidationOf } from "../data/crossValidation.ts";
import { classificationMetrics } from "../metrics/classification.ts";
import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import { measure } from "../metrics/metric.ts";
import { fit } from "../train/fit.ts";
import { TrainingState } from "../train/state.ts";
import { initialWeights, stepsOf } from "./learn.ts";
import { type OpenedJob, openImages, withSplit } from "./openJob.ts";
import { answersOf, probabilitiesOf } from "./probabilities.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";
import { type Job, planOf, type Settings, settingsOf, strategyOf } from "./trainPlan.ts";

/** What one fold showed. */
interface FoldResult {
  readonly fold: number;
  /** Those that were held out. */
  readonly indices: readonly number[];
  readonly batch: ClassificationBatch;
  readonly accuracy: number;
  readonly seconds: number;
}

const { budget, resume, out, ...trained } = trainSchema.shape;

/** `graft cross-validate`: how good `train` is on these images, each judged by a model that never saw it. */
export const crossValidate: Task = defineTask({
  name: "cross-validate",
  summary: "Measure a strategy on all images, each judged by a model that never saw it",
  input: z.object({
    ...trained,
    folds: z.number().int().min(2).max(50).default(5).describe("parts into which the images are divided"),
    out: z.string().optional().describe("file for the figures and every image's answer, as JSON"),
  }),
  positionals: ["data"],
  async *run({ folds, out: file, ...asked }, platform, signal) {
    const { data } = asked;
    if (data === undefined) {
      throw new GraftError("usage", "cross-validate: give the data set, such as: graft cross-validate photos/");
    }
    const input: TrainInput = { ...asked, budget: trainSchema.shape.budget.parse(undefined) };
    const settings = settingsFor(input);
    const opened = yield* openImages(input, data, platform, signal);
    const { images, labels } = opened;
    const { splits, account } = crossValidationOf(images.samples, labels, { ...input, folds });
    for (const text of account) yield { type: "note", text };
    const guide = input.teacher === undefined ? input.init && "earlier run" : "teacher";
    if (guide !== undefined) {
      const text = `what the ${guide} learned from, it may remember: of those images the figures flatter`;
      yield { type: "warning", text };
    }
    const results: FoldResult[] = [];
    for (const [at, split] of splits.entries()) {
      const result = yield* judge(withSplit(opened, split), settings, at + 1);
      if (result === undefined) {
        yield { type: "note", text: `interrupted in fold ${at + 1} of ${folds}; features that were computed are kept` };
        return;
      }
      results.push(result);
      yield { type: "note", text: told(result, folds) };
    }
    const title = `${folds}-fold cross-validation of ${settings.strategy}`;
    const report = measure(
      classificationMetrics(labels.length, { labels }),
      results.map(({ batch }) => batch),
    );
    yield { type: "report", title, labels, report };
    const spread = spreadOf(results.map(({ accuracy }) => accuracy));
    const text = `accuracy by fold: ${percent(spread.mean)} ± ${percent(spread.standardDeviation)} % (mean and standard deviation of ${folds})`;
    yield { type: "note", text };
    if (file === undefined) return;
    const figures = { settings, seed: input.seed, ...spread, report, folds: results.map(written(opened)) };
    await platform.store.write(file, new TextEncoder().encode(`${JSON.stringify(figures, undefined, 2)}\n`));
    yield { type: "artefact", kind: "cross-validation", path: file };
  },
});

/** One fold as a file keeps it: every image with its class and what was answered. */
function written({ images, labels }: OpenedJob) {
  return ({ batch, indices, ...figures }: FoldResult) => {
    const answers = answersOf(batch.probabilities, labels.length).map((answer, i) => ({
      image: images.samples[indices[i] ?? 0]?.id,
      label: labels[batch.labels[i] ?? 0],
      answer: labels[answer],
    }));
    return { ...figures, answers };
  };
}

/** A strategy of its own is measured; `auto` chooses anew each time. */
function settingsFor(input: TrainInput): Settings {
  if (input.strategy === "auto") {
    throw new GraftError(
      "usage",
      "cross-validate measures one strategy; auto would choose another in each fold. Name one, such as --strategy fine-tune.",
    );
  }
  const strategy = strategyOf(input);
  return settingsOf(input, strategy === "auto" ? "feature-extraction" : strategy);
}

/** Trains as the settings say and asks about the images that are held out; nothing when it was interrupted. */
async function* judge(job: Job, settings: Settings, fold: number): AsyncGenerator<TaskEvent, FoldResult | undefined> {
  const { platform, signal, split, images, labels } = job;
  const startMs = platform.nowMs();
  const plan = yield* planOf(job, settings);
  try {
    const state = new TrainingState(yield* initialWeights(plan));
    if (plan.learning !== undefined) {
      const means = { engine: platform.engine, nowMs: () => platform.nowMs(), signal };
      for await (const event of fit(stepsOf(job, plan, plan.learning, settings), state, means)) {
        // An epoch's line is of no interest where many models are trained; its steps show that work goes on.
        if (event.type !== "epoch") yield event;
        if (event.type === "interrupted") return undefined;
      }
    }
    const probabilities = await probabilitiesOf(job, { plan, state }, split.test);
    const truth = Int32Array.from(split.test, (i) => images.samples[i]?.label ?? 0);
    const right = answersOf(probabilities, labels.length).filter((answer, i) => answer === truth[i]).length;
    return {
      fold,
      indices: split.test,
      batch: { probabilities, labels: truth, classes: labels.length },
      accuracy: right / split.test.length,
      seconds: (platform.nowMs() - startMs) / 1000,
    };
  } finally {
    await plan.dispose();
  }
}

function told({ fold, indices, accuracy, seconds }: FoldResult, folds: number): string {
  return `fold ${fold}/${folds}: ${percent(accuracy)} % of ${indices.length} held-out images right, ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}

function spreadOf(values: readonly number[]): { readonly mean: number; readonly standardDeviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardDeviation: Math.sqrt(squares / (values.length - 1)) };
}
