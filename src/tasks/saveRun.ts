import { encodeModelFile, type ModelParts } from "../artefact/modelFile.ts";
import type { TargetTrust, Trust } from "../artefact/trust.ts";
import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import { reportWithIntervals } from "../metrics/classificationIntervals.ts";
import { measure } from "../metrics/metric.ts";
import { type Reliability, reliability } from "../metrics/reliability.ts";
import type { HeadTarget } from "../transfer/headTargets.ts";
import { answerLayer } from "../transfer/multiTaskHeads.ts";
import { fitAdvice } from "./fitAdvice.ts";
import { fitTargetTrust, rawTargetAnswers, type TargetAnswers } from "./fitTargetTrust.ts";
import { calibratedAnswers, fitTrust, rawAnswers } from "./fitTrust.ts";
import type { Learned } from "./learn.ts";
import { type AnsweredSplit, encodePredictions } from "./predictions.ts";
import { costOf } from "./runCost.ts";
import { costFile, predictionsFile, type RunFolder } from "./runFolder.ts";
import { saveGolden } from "./saveGolden.ts";
import { targetVerdicts, taskWeights } from "./targetVerdicts.ts";
import type { TaskEvent } from "./task.ts";
import { type CalibrationErrors, toldTrust } from "./toldTrust.ts";
import type { Job } from "./trainPlan.ts";

/** Saves model, labels, figures and what the curves say. */
export async function* saveRun(job: Job, learned: Learned, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { platform, split, images, preparation } = job;
  const { plan, state, history } = learned;
  const { network, backbone, targets } = plan;
  const weights = state.snapshot(network.parameters.list);
  const parts = { validation: split.validation, ...(split.test.length > 0 ? { test: split.test } : {}) };
  const { figures, trust, targetTrust } =
    targets === undefined
      ? yield* saveClasses(job, learned, folder, parts)
      : yield* saveTargets(job, learned, folder, { parts, targets });
  const bytes = encodeModelFile({
    // Not the folder's: runs of one seed must not differ by where they lie.
    name: "classifier",
    answers: answersOf(job, learned, targetTrust),
    preparation,
    backbone,
    trust,
    ...(plan.served?.(weights) ?? { network, weights }),
  });
  await folder.writeHistory(history);
  await folder.writeJson("metrics.json", figures);
  const advice = fitAdvice(job, learned);
  if (advice !== undefined) {
    await folder.writeJson("diagnosis.json", advice);
    yield { type: "note", text: advice.text };
  }
  const asked = split.validation.length > 0 ? split.validation : split.train;
  const ids = asked.map((i) => images.samples[i]?.id ?? "");
  await saveGolden({ source: job.source, ids }, bytes, folder, platform);
  await platform.store.write(folder.file("model.onnx"), bytes);
  await folder.writeJson(costFile, costOf(platform, job.startMs, job.input.resume !== undefined));
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
  yield { type: "note", text: `all about it in one page: graft report ${folder.path}` };
}

function answersOf(
  { labels, source }: Job,
  { plan }: Learned,
  trust: Saved["targetTrust"] = new Map(),
): ModelParts["answers"] {
  if (plan.targets === undefined) return { kind: "classes", labels };
  const targets = (source.targets ?? []).map((column) => ({
    column,
    layer: answerLayer(column),
    trust: trust.get(column.name),
  }));
  return { kind: "targets", targets };
}

type Parts = { readonly validation: readonly number[]; readonly test?: readonly number[] };
/** By the name of the part. */
type Figures = Readonly<Record<string, unknown>>;

interface Saved {
  readonly figures: Figures;
  readonly trust?: Trust | undefined;
  /** Of several targets those with classes. */
  readonly targetTrust?: ReadonlyMap<string, TargetTrust> | undefined;
}

/** What a classifier says of each part, calibrated on the validation images; its figures are returned. */
async function* saveClasses(
  job: Job,
  learned: Learned,
  folder: RunFolder,
  parts: Parts,
): AsyncGenerator<TaskEvent, Saved> {
  const { platform, images, labels } = job;
  const validation = await rawAnswers(job, learned, parts.validation);
  const trust = await fitTrust(job, learned, validation);
  const figures: Record<string, unknown> = {};
  const answered: AnsweredSplit[] = [];
  const errors: Record<string, CalibrationErrors> = {};
  const before: Record<string, Reliability> = {};
  for (const [name, indices] of Object.entries(parts)) {
    const raw = indices === parts.validation ? validation : await rawAnswers(job, learned, indices);
    const answers = trust === undefined ? raw : calibratedAnswers(raw, trust.scaling);
    answered.push({ split: name, images: indices.map((i) => images.samples[i]?.id ?? ""), answers });
    const report = reportWithIntervals([answers], labels.length, { labels });
    const uncalibrated = measure(reliability(), [raw]);
    before[name] = uncalibrated;
    errors[name] = { before: uncalibrated.expectedError, after: report.calibration.expectedError };
    figures[name] = report;
    yield { type: "report", title: name, labels, report };
  }
  await platform.store.write(folder.file(predictionsFile), encodePredictions(labels, answered));
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  for (const text of toldTrust(trust, errors)) yield { type: "note", text };
  if (trust !== undefined) {
    const { calibration, conformal, unknown } = trust;
    figures["trust"] = { calibration: { ...calibration, expectedError: errors, before }, conformal, unknown };
  }
  return { figures, trust };
}

/** The figures of each target on each part, which are returned; what it is, on which scale its head learned, and what it came to count. */
async function* saveTargets(
  job: Job,
  learned: Learned,
  folder: RunFolder,
  { parts, targets }: { readonly parts: Parts; readonly targets: readonly HeadTarget[] },
): AsyncGenerator<TaskEvent, Saved> {
  const metrics: Record<string, unknown> = {};
  const validation = await rawTargetAnswers(job, learned, targets, parts.validation);
  const trust = await fitTargetTrust(job, validation);
  const errors = new Map<string, Record<string, CalibrationErrors>>();
  for (const [part, indices] of Object.entries(parts)) {
    const raw = indices === parts.validation ? validation : await rawTargetAnswers(job, learned, targets, indices);
    const classes = new Map(raw.map((answers) => [answers.name, asServed(answers, trust)]));
    for (const answers of raw) {
      const after = classes.get(answers.name) ?? answers;
      errors.set(answers.name, { ...errors.get(answers.name), ...calibrationErrors(part, answers, after) });
    }
    const { events, figures } = await targetVerdicts(job, learned, targets, indices, { title: part, classes });
    metrics[part] = figures;
    yield* events;
  }
  for (const [name, own] of trust) {
    for (const text of toldTrust(own, errors.get(name) ?? {})) yield { type: "note", text: `${name}: ${text}` };
  }
  if (trust.size > 0)
    metrics["trust"] = Object.fromEntries(
      [...trust].map(([name, own]) => [name, figuresOf(own, errors.get(name) ?? {})]),
    );
  const weights = taskWeights(learned);
  const kept = targets.map((target, t) => ({ ...target, weight: weights[t] ?? target.weight }));
  await folder.writeJson("targets.json", kept);
  if (job.input.taskWeighting === "uncertainty") {
    const told = kept.map(({ name, weight }) => `${name} ${weight.toFixed(2)}`).join(", ");
    yield { type: "note", text: `weights of the tasks, as learned from their uncertainty: ${told}` };
  }
  return { figures: metrics, targetTrust: trust };
}

function asServed(answers: TargetAnswers, trust: ReadonlyMap<string, TargetTrust>): ClassificationBatch {
  const own = trust.get(answers.name);
  return own === undefined ? answers : calibratedAnswers(answers, own.scaling);
}

/** Nothing where no image has a label. */
function calibrationErrors(
  part: string,
  before: ClassificationBatch,
  after: ClassificationBatch,
): Readonly<Record<string, CalibrationErrors>> {
  if (before.labels.length === 0) return {};
  const errorOf = (answers: ClassificationBatch) => measure(reliability(), [answers]).expectedError;
  return { [part]: { before: errorOf(before), after: errorOf(after) } };
}

/** As metrics.json keeps them. */
function figuresOf(
  { calibration, conformal }: TargetTrust,
  expectedError: Readonly<Record<string, CalibrationErrors>>,
) {
  return { calibration: { ...calibration, expectedError }, conformal };
}
