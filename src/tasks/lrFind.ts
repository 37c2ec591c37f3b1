import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { RateCurve, RatePoint } from "../train/learningRateFinder.ts";
import { openJob } from "./openJob.ts";
import { sweepRates } from "./sweepRates.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { trainSchema } from "./trainInput.ts";
import { planOf, settingsOf, strategyOf } from "./trainPlan.ts";

const rowsShown = 16;
const barColumns = 40;

const { shape } = trainSchema;

/** `graft lr-find`: which learning rates a training can bear. It trains copies and keeps nothing of them. */
export const lrFind: Task = defineTask({
  name: "lr-find",
  summary: "Find a learning rate: train for a few steps at rising rates",
  input: z.object({
    data: z.string().describe("data set in any form that train takes"),
    backbone: shape.backbone,
    weights: shape.weights,
    init: shape.init,
    strategy: z
      .enum(["feature-extraction", "fine-tune", "scratch"])
      .optional()
      .describe("as for train (default: fine-tune with a backbone, else scratch)"),
    head: shape.head,
    stages: shape.stages,
    batchSize: shape.batchSize,
    optimizer: shape.optimizer,
    size: shape.size,
    seed: shape.seed,
    validation: shape.validation,
    group: shape.group,
    augment: shape.augment,
    from: z.number().positive().default(1e-6).describe("rate of the first step"),
    to: z.number().positive().default(1).describe("rate of the last step"),
    steps: z.number().int().min(20).max(10_000).default(100).describe("steps at most; it ends when the loss explodes"),
    out: z.string().optional().describe("file for the curve, as JSON"),
  }),
  positionals: ["data"],
  async *run({ from, to, steps, out, data, ...given }, platform, signal) {
    if (to <= from) throw new GraftError("usage", `lr-find: --to ${to} must be larger than --from ${from}.`);
    const strategy = given.strategy ?? (given.backbone === undefined ? "scratch" : "fine-tune");
    const asked = trainSchema.parse({ ...given, data, strategy });
    // Throws where strategy and backbone do not fit.
    strategyOf(asked);
    const job = yield* openJob(asked, data, platform, signal);
    const settings = settingsOf(asked, strategy);
    const plan = yield* planOf(job, settings);
    try {
      const curve = yield* sweepRates(job, { plan, settings }, { from, to, steps });
      if (curve === undefined) {
        throw new GraftError(
          "usage",
          `lr-find: the head "${asked.head}" is solved, not learned by steps: it has no learning rate.`,
        );
      }
      yield* told(curve);
      if (out === undefined) return;
      const content = { points: curve.points, ...curve.advice() };
      await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(content, undefined, 2)}\n`));
      yield { type: "artefact", kind: "curve", path: out };
    } finally {
      await plan.dispose();
    }
  },
});

function* told(curve: RateCurve): Generator<TaskEvent> {
  yield { type: "note", text: chart(curve.points) };
  const advice = curve.advice();
  if (advice === undefined) {
    yield {
      type: "warning",
      text: "the loss fell at no rate: the network may be trained already, or the range is wrong (--from, --to)",
    };
    return;
  }
  const { suggested, steepest, lowest } = advice;
  const text = `suggestion: --learning-rate ${suggested.toPrecision(2)} (the loss falls fastest at ${steepest.toPrecision(2)} and is lowest at ${lowest.toPrecision(2)})`;
  yield { type: "note", text };
}

function chart(points: readonly RatePoint[]): string {
  const each = Math.max(1, Math.ceil(points.length / rowsShown));
  const shown = points.filter((_, i) => i % each === 0 || i === points.length - 1);
  const losses = points.map(({ loss }) => loss);
  const low = Math.min(...losses);
  // As far above the first loss as the lowest is below it: an explosion at the end would flatten all that comes before.
  const high = 2 * (losses[0] ?? low) - low;
  const bar = (loss: number) => "█".repeat(Math.round(barColumns * Math.min(1, (loss - low) / (high - low || 1)) || 0));
  const rows = shown.map(({ learningRate, loss }) => [
    learningRate.toExponential(1),
    loss.toFixed(3),
    bar(loss).padEnd(barColumns),
  ]);
  return alignTable([["rate", "loss", "".padEnd(barColumns)], ...rows]);
}
