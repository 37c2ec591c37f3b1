import type { Compute } from "../algebra/compute.ts";
import { encodeModelFile } from "../artefact/modelFile.ts";
import { classificationMetrics } from "../metrics/classification.ts";
import type { Platform } from "../platform/platform.ts";
import { domainCurves, domainPicture } from "./adaptationPictures.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { Choice } from "./chooseTrial.ts";
import type { OpenedDomains } from "./openDomains.ts";
import { absolutePaths, nameOfData } from "./resume.ts";
import { RunFolder } from "./runFolder.ts";
import type { AdaptationTable, TaskEvent } from "./task.ts";

interface Outcome {
  readonly input: AdaptInput;
  readonly choice: Choice;
  readonly table: AdaptationTable;
}

/** Saves the chosen classifier as a run folder, with its figures and an account of the choice. */
export async function* saveAdapted(
  domains: OpenedDomains,
  { input, choice, table }: Outcome,
  platform: Platform,
  compute: Compute,
): AsyncGenerator<TaskEvent> {
  const { labels, source, truth, basis } = domains;
  const split = domains.split(input.seed);
  const { trial } = choice.best;
  const sourceOnly = choice.sourceOnly.trial;
  const classOf = (i: number) => source.samples[i]?.label ?? 0;
  const before = basis.kind === "features" ? basis.draw(input.seed) : sourceOnly.space;
  const pictured = { before, classes: split.train.map(classOf), sourceOnly, chosen: trial, labels };
  // Before the folder is there: whoever stops it leaves none behind.
  const picture = await domainPicture(pictured, compute);
  const name = `${nameOfData(input.source, platform)}-to-${nameOfData(input.target, platform)}`;
  const folder = await RunFolder.claim(input.out ?? platform.store.join("runs", name), platform);
  yield { type: "artefact", kind: "run", path: folder.path };
  await folder.writeJson("config.json", { adapt: await storedInput(input, folder.path, platform), labels });
  const ids = (indices: readonly number[]) => indices.map((i) => source.samples[i]?.id ?? "");
  await folder.writeJson("splits.json", { train: ids(split.train), validation: ids(split.validation) });
  await folder.writeJson("account.json", {
    validator: "infoMax",
    trials: table.entries,
    seeds: table.seeds,
    choices: table.choices,
    oracle: table.oracle ?? null,
    chosen: { method: trial.method, setting: trial.setting, scores: choice.best.scores },
    gain: choice.gain,
    standardError: choice.standardError,
    reasons: choice.reasons,
  });
  const figures = { source: report(trial.probabilities.held, Int32Array.from(split.validation, classOf), labels) };
  const isKnown = truth.some((label) => label >= 0);
  const onTarget = isKnown ? { target: report(trial.probabilities.target, truth, labels) } : {};
  const metrics = { ...figures, ...onTarget };
  await folder.writeJson("metrics.json", metrics);
  for (const [title, figure] of Object.entries(metrics)) yield { type: "report", title, labels, report: figure };
  await folder.writeHistory(trial.history);
  if (trial.history.length > 0) await folder.writeText("domains-epochs.svg", domainCurves(trial.history));
  await folder.writeText("domains.svg", picture);
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  const { network, weights, takes } = trial;
  const backbone = takes === "pixels" || basis.kind === "scratch" ? undefined : (trial.backbone ?? basis.backbone);
  const answers = { kind: "classes", labels } as const;
  const { preparation } = domains;
  const parts = { name: "classifier", answers, preparation, backbone, network, weights };
  await platform.store.write(folder.file("model.onnx"), encodeModelFile(parts));
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
}

/** What was asked for, with absolute paths. */
export async function storedInput(input: AdaptInput, out: string, platform: Platform) {
  const { store } = platform;
  const { backbone, weights } = await absolutePaths(
    { data: undefined, backbone: input.backbone, weights: input.weights, teacher: undefined, init: undefined },
    platform,
  );
  return {
    ...input,
    source: store.absolute(input.source),
    target: store.absolute(input.target),
    backbone,
    weights,
    out,
  };
}

/** Of images with a class. */
export function report(probabilities: Float32Array, truth: Int32Array, labels: readonly string[]) {
  const classes = labels.length;
  const rows = Array.from(truth.keys()).filter((row) => (truth[row] ?? -1) >= 0);
  const known = Float32Array.from(
    { length: rows.length * classes },
    (_, i) => probabilities[(rows[Math.floor(i / classes)] ?? 0) * classes + (i % classes)] ?? 0,
  );
  const metric = classificationMetrics(classes, { labels });
  const batch = { probabilities: known, labels: Int32Array.from(rows, (row) => truth[row] ?? 0), classes };
  return metric.value(metric.add(metric.init(), batch));
}
