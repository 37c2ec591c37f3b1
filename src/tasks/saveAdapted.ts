import type { Compute } from "../algebra/compute.ts";
import { encodeModelFile } from "../artefact/modelFile.ts";
import type { Trust } from "../artefact/trust.ts";
import { classificationMetrics } from "../metrics/classification.ts";
import type { Platform } from "../platform/platform.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { logarithms } from "../transfer/judgeTrial.ts";
import { fitTemperature, scaledProbabilities } from "../transfer/logitScaling.ts";
import { domainCurves, domainPictures } from "./adaptationPictures.ts";
import type { AdaptFolder } from "./adaptFolder.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { Choice } from "./chooseTrial.ts";
import type { OpenedDomains } from "./openDomains.ts";
import { encodePredictions } from "./predictions.ts";
import { costOf } from "./runCost.ts";
import { costFile, predictionsFile } from "./runFolder.ts";
import { saveGolden } from "./saveGolden.ts";
import type { AdaptationTable, TaskEvent } from "./task.ts";

interface Outcome {
  readonly input: AdaptInput;
  readonly choice: Choice;
  readonly table: AdaptationTable;
  readonly kept: AdaptFolder;
  readonly startMs: number;
}

/** Saves the chosen classifier as a run folder, with its figures and an account of the choice. */
export async function* saveAdapted(
  domains: OpenedDomains,
  { input, choice, table, kept, startMs }: Outcome,
  platform: Platform,
  compute: Compute,
): AsyncGenerator<TaskEvent> {
  const { source, basis } = domains;
  const split = domains.split(input.seed);
  const { trial } = choice.best;
  // As many as it tells apart.
  const labels = domains.answerLabels.slice(0, trial.classes);
  const truth = domains.truth.map((place) => (place < trial.classes ? place : -1));
  const sourceOnly = choice.sourceOnly.trial;
  const classOf = (i: number) => source.samples[i]?.label ?? 0;
  const before = basis.kind === "features" ? basis.draw(input.seed) : sourceOnly.space;
  const { seed } = input;
  const pictured = {
    before,
    classes: split.train.map(classOf),
    sourceOnly,
    chosen: trial,
    labels: domains.answerLabels,
    seed,
  };
  // Before the folder is there: whoever stops it leaves none behind.
  const pictures = await domainPictures(pictured, compute);
  const folder = await kept.claim();
  yield { type: "artefact", kind: "run", path: folder.path };
  const ids = (indices: readonly number[]) => indices.map((i) => source.samples[i]?.id ?? "");
  await folder.writeJson("splits.json", { train: ids(split.train), validation: ids(split.validation) });
  await folder.writeJson("account.json", {
    validator: "infoMax",
    targetClasses: domains.targetClasses,
    trials: table.entries,
    seeds: table.seeds,
    choices: table.choices,
    oracle: table.oracle ?? null,
    chosen: { method: trial.method, setting: trial.setting, scores: choice.best.scores },
    gain: choice.gain,
    standardError: choice.standardError,
    reasons: choice.reasons,
  });
  const heldLabels = Int32Array.from(split.validation, classOf);
  const { trust, held, target } = await calibrated(trial, heldLabels, labels.length, compute);
  if (trust !== undefined) yield { type: "note", text: toldCalibration(trust) };
  const known = withKnownLabels(target, truth, labels.length);
  const targetIds = known.rows.map((row) => domains.target.samples[row]?.id ?? "");
  await platform.store.write(
    folder.file(predictionsFile),
    encodePredictions(labels, [
      {
        split: "source",
        images: ids(split.validation),
        answers: { probabilities: held, labels: heldLabels, classes: labels.length },
      },
      { split: "target", images: targetIds, answers: known.batch },
    ]),
  );
  const figures = { source: report(held, heldLabels, labels) };
  const isKnown = truth.some((label) => label >= 0);
  const onTarget = isKnown ? { target: report(target, truth, labels) } : {};
  const metrics = { ...figures, ...onTarget };
  await folder.writeJson("metrics.json", metrics);
  for (const [title, figure] of Object.entries(metrics)) yield { type: "report", title, labels, report: figure };
  await folder.writeHistory(trial.history);
  if (trial.history.length > 0) await folder.writeText("domains-epochs.svg", await domainCurves(trial.history));
  for (const { file, svg } of pictures) await folder.writeText(file, svg);
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  const { network, weights, takes } = trial;
  const backbone = takes === "pixels" || basis.kind === "scratch" ? undefined : (trial.backbone ?? basis.backbone);
  const unknownLabel = trial.classes > domains.labels.length ? labels.at(-1) : undefined;
  const answers = { kind: "classes", labels, unknownLabel } as const;
  const { preparation } = domains;
  const bytes = encodeModelFile({ name: "classifier", answers, preparation, backbone, network, weights, trust });
  const golden = split.validation.length > 0 ? split.validation : split.train;
  await saveGolden({ source: domains.origin, ids: ids(golden) }, bytes, folder, platform);
  await platform.store.write(folder.file("model.onnx"), bytes);
  await folder.writeJson(costFile, costOf(platform, startMs, input.resume !== undefined));
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
  yield { type: "note", text: `all about it in one page: graft report ${folder.path}` };
}

/** One temperature, fitted on held-out source images, and what it makes of the answers; no promise about the target comes with it, whose labels nobody asked for. */
async function calibrated({ probabilities }: DomainTrial, labels: Int32Array, classes: number, compute: Compute) {
  const { held, target } = probabilities;
  if (labels.length === 0) return { trust: undefined, held, target };
  const logits = logarithms(held);
  const scaling = await fitTemperature({ logits, labels, classes }, compute.signal);
  const temperature = 1 / (scaling.factors[0] ?? 1);
  const trust: Trust = {
    scaling,
    measure: { kind: "energy" },
    calibration: { method: "temperature", temperature, images: labels.length },
  };
  return {
    trust,
    held: scaledProbabilities(logits, scaling),
    target: scaledProbabilities(logarithms(target), scaling),
  };
}

function toldCalibration({ calibration }: Trust): string {
  return `calibration: temperature ${calibration?.temperature?.toPrecision(3)}, fitted on ${calibration?.images} held-out source images; what it makes of the target's answers nobody can tell without labels`;
}

/** Of images with a class. */
export function report(probabilities: Float32Array, truth: Int32Array, labels: readonly string[]) {
  const metric = classificationMetrics(labels.length, { labels });
  return metric.value(metric.add(metric.init(), withKnownLabels(probabilities, truth, labels.length).batch));
}

/** The answers to those images whose class is known, and which they are. */
export function withKnownLabels(probabilities: Float32Array, truth: Int32Array, classes: number) {
  const rows = Array.from(truth.keys()).filter((row) => (truth[row] ?? -1) >= 0);
  const known = new Float32Array(rows.length * classes);
  for (const [i, row] of rows.entries())
    known.set(probabilities.subarray(row * classes, (row + 1) * classes), i * classes);
  return { rows, batch: { probabilities: known, labels: Int32Array.from(rows, (row) => truth[row] ?? 0), classes } };
}
