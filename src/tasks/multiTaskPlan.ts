import { multiTask } from "../transfer/multiTask.ts";
import type { BackboneJob, TransferPlan } from "../transfer/strategy.ts";
import { weightsTold } from "./classWeights.ts";
import { headTargetsOf, unseenClasses } from "./headTargetsOf.ts";
import { tuningOf } from "./multiTaskInput.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";
import { unfreezingOf } from "./tuningOptions.ts";

/** The plan for several targets, with a word on classes that are rare or unseen. */
export async function* multiTaskPlan(job: Job, transfer: BackboneJob): AsyncGenerator<TaskEvent, TransferPlan> {
  const { input, split } = job;
  const targets = headTargetsOf(job);
  for (const target of targets) {
    if (target.kind === "number" || target.classWeights === undefined) continue;
    const weights = weightsTold(target.classWeights, target.labels);
    yield { type: "note", text: `${target.name}: classes are imbalanced, so each counts the same: weights ${weights}` };
  }
  const unseen = unseenClasses(job, targets);
  if (unseen.length > 0) yield { type: "warning", text: `no training image has the class ${unseen.join(", ")}` };
  const weighting = input.taskWeighting ?? "fixed";
  const asked = tuningOf(input);
  const tuning = asked.kind === "all" ? { ...asked, unfreezing: unfreezingOf(split.train.length, input) } : asked;
  return yield* multiTask({ ...transfer, targets, weighting }, tuning);
}
