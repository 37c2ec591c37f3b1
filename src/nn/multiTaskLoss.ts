import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import { add, exp, mul, neg } from "../ops/arithmetic.ts";
import { cast } from "../ops/comparison.ts";
import { reshape } from "../ops/layout.ts";
import { slice } from "../ops/slicing.ts";
import { defineLayer, type Layer } from "./layer.ts";
import type { LayerOutput, Loss } from "./loss.ts";

/** What is learned at one of a network's outputs. */
export interface TaskLoss {
  /** The layer whose output is the task's prediction. */
  readonly layer: string;
  /** Of one class index or one number a sample. */
  readonly loss: Loss;
  /** What the loss is the negative logarithm of, but for a factor: a softmax, or a normal distribution. Decides the form of its uncertainty. */
  readonly likelihood: "softmax" | "normal";
}

/** What the tasks count against each other: fixed numbers, one a task, or what the `taskUncertainty` layer of this name learns. */
export type TaskWeighting =
  | { readonly kind: "fixed"; readonly weights: readonly number[] }
  | { readonly kind: "uncertainty"; readonly layer: string };

/** Columns a task has in the targets: its truth, and how much the sample counts. */
export const columnsPerTask = 2;

/**
 * Σ_t c_t·ℓ_t over tasks at several outputs of one network. Targets are rows of two numbers a task, [N, 2·tasks]: the truth (a class index or
 * a number), and what the sample counts in this task, c_t ≥ 0. A missing label counts 0, and any finite number stands for its truth.
 *
 * Fixed, ℓ_t is w_t·L_t. By homoscedastic uncertainty, with s = log σ², it is ½·e⁻ˢ·L + ½·s for a squared error and e⁻ˢ·L + ½·s for a
 * cross-entropy (Kendall, Gal & Cipolla 2018, eq. 7 and 10).
 *
 * @throws `usage` when there is no task, or not one finite weight ≥ 0 for each
 */
export function multiTaskLoss(tasks: readonly TaskLoss[], weighting: TaskWeighting): Loss {
  check(tasks, weighting);
  return {
    name: `multiTask(${tasks.map(({ layer, loss }) => `${loss.name} at ${layer}`).join(", ")})`,
    target: (prediction) => ({
      dtype: "float32",
      shape: [prediction.staticShape[0] ?? 0, columnsPerTask * tasks.length],
    }),
    perSample(target, prediction, layerOutput) {
      const count = prediction.staticShape[0] ?? 0;
      const parts = tasks.map((task, t) => {
        const column = (at: number) => slice(target, [at], [at + 1], [1]); // [N, 2·tasks] → [N, 1]
        const loss = lossOf(task, column(columnsPerTask * t), layerOutput);
        const counts = reshape(column(columnsPerTask * t + 1), [count]);
        return mul(counts, weighed(loss, task, t, weighting, layerOutput));
      });
      return parts.reduce((sum, part) => add(sum, part));
    },
  };
}

const uncertainty = defineLayer("TaskUncertainty", {
  schema: z.object({ tasks: z.number().int().positive() }),
  build: (scope, _inputs, { tasks }) => scope.param("logVariance", [1, tasks], { initializer: "zeros" }),
});

/** One trainable log σ² a task, [1, tasks], whatever its input: an auxiliary end of a network for `multiTaskLoss`. Begins at σ = 1. */
export function taskUncertainty(tasks: number, options: { readonly name?: string } = {}): Layer {
  return uncertainty({ ...options, tasks });
}

/** The task's loss of each sample, [N]; `truth` is [N, 1]. */
function lossOf({ layer, loss }: TaskLoss, truth: Value, layerOutput: LayerOutput): Value {
  const prediction = layerOutput(layer);
  const wanted = loss.target(prediction, layerOutput);
  const size = wanted?.shape.reduce((a, b) => a * b, 1);
  if (wanted === undefined || size !== truth.staticShape[0]) {
    throw new GraftError(
      "usage",
      `multiTaskLoss: "${loss.name}" at "${layer}" asks for ${wanted === undefined ? "no target" : `targets [${wanted.shape}]`}; ` +
        "expected one class index or one number a sample.",
    );
  }
  const own = reshape(truth, wanted.shape);
  return loss.perSample(wanted.dtype === "int32" ? cast(own, "int32") : own, prediction, layerOutput);
}

function weighed(
  loss: Value,
  { likelihood }: TaskLoss,
  t: number,
  weighting: TaskWeighting,
  layerOutput: LayerOutput,
): Value {
  if (weighting.kind === "fixed") return mul(loss, weighting.weights[t]);
  const logVariance = reshape(slice(layerOutput(weighting.layer), [t], [t + 1], [1]), [1]);
  const explained = mul(loss, exp(neg(logVariance)));
  return add(likelihood === "normal" ? mul(explained, 0.5) : explained, mul(logVariance, 0.5));
}

function check(tasks: readonly TaskLoss[], weighting: TaskWeighting): void {
  if (tasks.length === 0) throw new GraftError("usage", "multiTaskLoss: it has no tasks; expected one or more.");
  if (weighting.kind === "uncertainty") return;
  const { weights } = weighting;
  if (weights.length === tasks.length && weights.every((weight) => weight >= 0 && Number.isFinite(weight))) return;
  throw new GraftError(
    "usage",
    `multiTaskLoss: found the weights ${weights.join(", ") || "(none)"} for ${tasks.length} tasks; expected a finite number ≥ 0 for each.`,
  );
}
