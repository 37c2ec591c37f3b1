import { encodeModelFile, type ModelParts } from "../artefact/modelFile.ts";
import { reportWithIntervals } from "../metrics/classificationIntervals.ts";
import { reliabilityDiagram } from "../metrics/reliabilityDiagram.ts";
import type { HeadTarget } from "../transfer/headTargets.ts";
import { answerLayer } from "../transfer/multiTaskHeads.ts";
import { answersOn } from "./answersOn.ts";
import { fitAdvice } from "./fitAdvice.ts";
import type { Learned } from "./learn.ts";
import { type AnsweredSplit, encodePredictions } from "./predictions.ts";
import { predictionsFile, type RunFolder } from "./runFolder.ts";
import { saveGolden } from "./saveGolden.ts";
import { targetVerdicts, taskWeights } from "./targetVerdicts.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

/** Saves model, labels, figures and what the curves say. */
export async function* saveRun(job: Job, learned: Learned, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { platform, split, images, preparation } = job;
  const { plan, state, history } = learned;
  const { network, backbone, targets } = plan;
  const weights = state.snapshot(network.parameters.list);
  const bytes = encodeModelFile({
    // Not the folder's: runs of one seed must not differ by where they lie.
    name: "classifier",
    answers: answersOf(job, learned),
    preparation,
    backbone,
    ...(plan.served?.(weights) ?? { network, weights }),
  });
  const parts = { validation: split.validation, ...(split.test.length > 0 ? { test: split.test } : {}) };
  const metrics =
    targets === undefined
      ? yield* saveClasses(job, learned, folder, parts)
      : yield* saveTargets(job, learned, folder, { parts, targets });
  await folder.writeHistory(history);
  await folder.writeJson("metrics.json", metrics);
  const advice = fitAdvice(job, learned);
  if (advice !== undefined) {
    await folder.writeJson("diagnosis.json", advice);
    yield { type: "note", text: advice.text };
  }
  const asked = split.validation.length > 0 ? split.validation : split.train;
  const ids = asked.map((i) => images.samples[i]?.id ?? "");
  await saveGolden({ source: job.source, ids }, bytes, folder, platform);
  await platform.store.write(folder.file("model.onnx"), bytes);
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
}

function answersOf({ labels, source }: Job, { plan }: Learned): ModelParts["answers"] {
  if (plan.targets === undefined) return { kind: "classes", labels };
  const targets = source.targets ?? [];
  return { kind: "targets", targets: targets.map((column) => ({ column, layer: answerLayer(column) })) };
}

type Parts = Readonly<Record<string, readonly number[]>>;
/** By the name of the part. */
type Figures = Readonly<Record<string, unknown>>;

/** What a classifier says of each part; its figures are returned. */
async function* saveClasses(
  { platform, images, labels }: Job,
  { plan, state }: Learned,
  folder: RunFolder,
  parts: Parts,
): AsyncGenerator<TaskEvent, Figures> {
  const metrics: Record<string, unknown> = {};
  const answered: AnsweredSplit[] = [];
  for (const [name, indices] of Object.entries(parts)) {
    const answers = await answersOn(plan.data(indices, false), plan.network, state, platform.engine);
    answered.push({ split: name, images: indices.map((i) => images.samples[i]?.id ?? ""), answers });
    const report = reportWithIntervals([answers], labels.length, { labels });
    metrics[name] = report;
    await folder.writeText(`reliability-${name}.svg`, reliabilityDiagram(report.calibration, name));
    yield { type: "report", title: name, labels, report };
  }
  await platform.store.write(folder.file(predictionsFile), encodePredictions(labels, answered));
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  return metrics;
}

/** The figures of each target on each part, which are returned; what it is, on which scale its head learned, and what it came to count. */
async function* saveTargets(
  job: Job,
  learned: Learned,
  folder: RunFolder,
  { parts, targets }: { readonly parts: Parts; readonly targets: readonly HeadTarget[] },
): AsyncGenerator<TaskEvent, Figures> {
  const metrics: Record<string, unknown> = {};
  for (const [name, indices] of Object.entries(parts)) {
    const { events, figures } = await targetVerdicts(job, learned, targets, indices, name);
    metrics[name] = figures;
    yield* events;
  }
  const weights = taskWeights(learned);
  const kept = targets.map((target, t) => ({ ...target, weight: weights[t] ?? target.weight }));
  await folder.writeJson("targets.json", kept);
  if (job.input.taskWeighting === "uncertainty") {
    const told = kept.map(({ name, weight }) => `${name} ${weight.toFixed(2)}`).join(", ");
    yield { type: "note", text: `weights of the tasks, as learned from their uncertainty: ${told}` };
  }
  return metrics;
}
