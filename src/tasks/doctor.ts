import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { fingerprintsOf } from "../data/fingerprints.ts";
import { findNearDuplicates } from "../data/nearDuplicates.ts";
import { backboneChecks } from "../doctor/backboneChecks.ts";
import { bySeverity, counted, examine, type Finding, summaryOf } from "../doctor/finding.ts";
import { historyChecks } from "../doctor/historyChecks.ts";
import { imageChecks } from "../doctor/imageChecks.ts";
import { imageFactsOf, labelFactsOf } from "../doctor/imageFacts.ts";
import { labelChecks } from "../doctor/labelChecks.ts";
import { planChecks } from "../doctor/planChecks.ts";
import { backboneFactsOf, resemblingFeatures } from "./backboneFacts.ts";
import { withoutWarnings } from "./dataset.ts";
import { doctorSubject } from "./doctorSubject.ts";
import { openJob } from "./openJob.ts";
import { planFactsOf } from "./planFacts.ts";
import { historyFactsOf } from "./runHistory.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { trainSchema } from "./trainInput.ts";
import { type Job, strategyOf } from "./trainPlan.ts";

/** `graft doctor`: the classic mistakes, before they cost a training. It changes nothing. */
export const doctor: Task = defineTask({
  name: "doctor",
  summary: "Look for classic mistakes in a data set, a configuration or a run",
  input: z.object({
    subject: z.string().describe("data set in any form that train takes, run folder, or config.json of a run"),
    ...trainSchema.omit({ data: true, out: true, resume: true, strict: true, budget: true }).shape,
    sweep: z
      .boolean()
      .default(false)
      .describe("compare the learning rate with what a sweep of rates suggests: trains a copy for 60 steps at most"),
  }),
  positionals: ["subject"],
  async *run({ subject, sweep, ...options }, platform, signal, given) {
    const asked = Object.entries(options).filter(([name]) => given.has(name));
    const { input, data, run } = await doctorSubject(subject, Object.fromEntries(asked), platform);
    // Throws where strategy and backbone do not fit.
    strategyOf(input);
    const job = yield* withoutWarnings(openJob(input, data, platform, signal));
    const findings = [
      ...(yield* findingsOfData(job)),
      ...(job.backbone === undefined ? [] : examine(backboneChecks, yield* backboneFactsOf(job, job.backbone))),
      ...examine(planChecks, yield* planFactsOf(job, sweep)),
      ...(run === undefined ? [] : examine(historyChecks, await historyFactsOf(job, run))),
    ];
    for (const finding of bySeverity(findings)) yield { type: "finding", ...finding };
    yield { type: "note", text: `doctor: ${summaryOf(findings)}` };
    const serious = findings.filter(({ severity }) => severity === "serious").length;
    if (serious > 0)
      throw new GraftError("data", `doctor: ${counted(serious, "serious finding")}; mend what it names.`);
  },
});

/** What images, labels and their split show. */
async function* findingsOfData(job: Job): AsyncGenerator<TaskEvent, readonly Finding[]> {
  const work = fingerprintsOf(job.images, job.signal);
  let step = await work.next();
  for (; !step.done; step = await work.next()) yield { type: "progress", phase: "compare", ...step.value };
  const { pairs, isCut } = findNearDuplicates(step.value);
  if (isCut) yield { type: "note", text: `more than ${pairs.length} near-copies; the first are looked at` };
  const lookAlikes = job.backbone === undefined ? pairs : yield* resemblingFeatures(job, job.backbone, pairs);
  return [
    ...examine(imageChecks, imageFactsOf(job, step.value, lookAlikes)),
    ...examine(labelChecks, labelFactsOf(job, job.classWeights !== undefined)),
  ];
}
