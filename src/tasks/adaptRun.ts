import { informationOf } from "../adapt/validators/infoMax.ts";
import { encodeModelFile, type ModelWeights, readWeights } from "../artefact/modelFile.ts";
import { StagePrograms } from "../artefact/runStages.ts";
import { stagesOf } from "../artefact/stages.ts";
import type { StatedTrust } from "../artefact/statedTrust.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { backboneName, withWeights } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { openUnlabelled } from "../data/openSource.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform } from "../platform/platform.ts";
import { applyLayers, dataOf } from "../transfer/domainTrial.ts";
import { logarithms } from "../transfer/judgeTrial.ts";
import { learnSourceFree } from "../transfer/learnSourceFree.ts";
import { scaledProbabilities } from "../transfer/logitScaling.ts";
import { pairedGain } from "../transfer/pairedGain.ts";
import { loadPixels } from "../transfer/pixelData.ts";
import { hypothesisIn, type SourceHypothesis } from "../transfer/sourceHypothesis.ts";
import { inputToKeep, nameOfRun } from "./adaptFolder.ts";
import type { AdaptInput } from "./adaptInput.ts";
import { prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { checkCounts, classDifference, featuresOf, toldDifference } from "./openDomains.ts";
import { encodePredictions } from "./predictions.ts";
import { costOf } from "./runCost.ts";
import { costFile, predictionsFile, RunFolder } from "./runFolder.ts";
import { report, withKnownLabels } from "./saveAdapted.ts";
import { saveGolden } from "./saveGolden.ts";
import { labelsOf, readRun } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";

/** Target images on which a run and what was put together from it are compared, about. */
const comparedImages = 8;
/** Of a probability: far above what another order of sums in float32 makes, far below what other statistics do. */
const allowedDifference = 0.01;

/** Whether a source is what a training wrote, not images. */
export async function isRun(path: string, { store }: Platform): Promise<boolean> {
  const info = await store.info(path);
  if (info?.kind === "file") return /\.onnx$/i.test(path);
  return info?.kind === "folder" && (await store.info(store.join(path, "model.onnx"))) !== undefined;
}

/** SHOT where the source is a run: its classifier learns on from target photos; the images it learned from are not needed. */
export async function* adaptRun(
  input: AdaptInput,
  platform: Platform,
  signal: AbortSignal,
  given: ReadonlySet<string>,
): AsyncGenerator<TaskEvent> {
  const startMs = platform.nowMs();
  checkOptions(input, given);
  const opened = yield* openHypothesis(input, platform, signal);
  const { labels, preparation, backbone, hypothesis } = opened;
  const classes = labels.length;
  const to = await openUnlabelled(input.target, platform);
  yield { type: "note", text: `${input.target}: ${to.description}, ${to.samples.length} images` };
  const images = yield* prepareData(to, preparation, platform, { strict: input.strict, signal });
  checkCounts(images, input.target);
  yield* toldDifference(classDifference({ labels }, to), input.target, "all");
  const all = images.samples.map((_, i) => i);
  const target = yield* featuresOf(backbone, images, all, { platform, signal });
  const { extractor, head, weights: start } = hypothesis;
  const before = await applyLayers([...extractor, head], start, target, platform.engine);
  await checkSame(opened, { images, before }, platform);
  const data = dataOf(target, new Int32Array(target.count));
  const settings = { ...input, nowMs: () => platform.nowMs() };
  const learned = yield* learnSourceFree(hypothesis, data, classes, settings, { engine: platform.engine, signal });
  const informed = (probabilities: Float32Array) => [...informationOf(probabilities, classes)];
  const change = pairedGain(informed(before), informed(learned.probabilities));
  yield { type: "note", text: inWords(change) };
  const known = to.labels.map((label) => labels.indexOf(label));
  const truth = Int32Array.from(images.samples, ({ label }) => known[label] ?? -1);
  const isKnown = truth.some((label) => label >= 0);
  const judged = isKnown
    ? { before: report(before, truth, labels), target: report(learned.probabilities, truth, labels) }
    : undefined;
  const name = nameOfRun(input, platform);
  const folder = await RunFolder.claim(input.out ?? platform.store.join("runs", name), platform);
  yield { type: "artefact", kind: "run", path: folder.path };
  await folder.writeJson("config.json", { adapt: await inputToKeep(input, folder.path, platform), labels });
  await folder.writeJson("account.json", { validator: "infoMax", method: "shot", ...change });
  await folder.writeJson("metrics.json", judged ?? {});
  const { rows, batch } = withKnownLabels(learned.probabilities, truth, classes);
  const answered = { split: "target", images: rows.map((row) => images.samples[row]?.id ?? ""), answers: batch };
  await platform.store.write(folder.file(predictionsFile), encodePredictions(labels, [answered]));
  if (judged !== undefined) {
    yield { type: "report", title: "target, by the run as it was", labels, report: judged.before };
    yield { type: "report", title: "target", labels, report: judged.target };
  }
  await folder.writeHistory(learned.history);
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  const answers = { kind: "classes", labels } as const;
  const { network, weights } = learned;
  const bytes = encodeModelFile({ name: "classifier", answers, preparation, backbone, network, weights });
  await saveGolden({ source: to, ids: images.samples.map(({ id }) => id) }, bytes, folder, platform);
  await platform.store.write(folder.file("model.onnx"), bytes);
  await folder.writeJson(costFile, costOf(platform, startMs, false));
  const text = "not calibrated: there are no labelled images to fit a temperature on";
  yield { type: "note", text };
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
}

/**
 * Throws `model` where the network that was put together from a run's weights answers otherwise than the run's model does: its file can hold a weight under
 * a name that the published network does not have, such as statistics that two layers shared before they were adapted.
 */
async function checkSame(
  { source, bytes, trust }: Pick<OpenedHypothesis, "source" | "bytes" | "trust">,
  { images, before }: { readonly images: PreparedImages; readonly before: Float32Array },
  platform: Platform,
): Promise<void> {
  const classes = before.length / images.samples.length;
  const { method = "temperature", temperature = 1 } = trust.calibration ?? {};
  // What a model says of its vector scaling does not undo it.
  if (method !== "temperature") return;
  const scaling = { factors: new Float64Array(classes).fill(1 / temperature), shifts: new Float64Array(classes) };
  const rebuilt = scaledProbabilities(logarithms(before), scaling);
  const programs = await StagePrograms.open(stagesOf(bytes, source), platform.engine);
  try {
    const step = Math.max(1, Math.floor(images.samples.length / comparedImages));
    for (let image = 0; image < images.samples.length; image += step) {
      const served = (await programs.network(await loadPixels(images, [image]))).get("probabilities")?.floats ?? [];
      const own = rebuilt.subarray(image * classes, (image + 1) * classes);
      if (own.every((p, c) => Math.abs(p - (served[c] ?? Number.NaN)) <= allowedDifference)) continue;
      throw new GraftError(
        "model",
        `--source: "${source}" answers otherwise than its weights do in the network that --backbone names, as after a change of statistics that this network cannot hold. Adapt a run of train, or give the labelled images.`,
      );
    }
  } finally {
    await programs.dispose();
  }
}

function inWords({ gain, standardError }: { readonly gain: number; readonly standardError: number }): string {
  const signed = `${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(3)} ± ${standardError.toFixed(3)} nats`;
  const verdict = gain > standardError ? "more" : "no more";
  return `shot: InfoMax ${signed} over the run as it was, ${verdict} than its standard error. SHOT maximises InfoMax itself, so this is no proof: check by some labelled photos`;
}

interface OpenedHypothesis {
  /** The model's file. */
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly trust: StatedTrust;
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  readonly backbone: Backbone;
  readonly hypothesis: SourceHypothesis;
}

async function* openHypothesis(
  input: AdaptInput,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, OpenedHypothesis> {
  const { source } = input;
  const { file, bytes } = await readRun(source, platform);
  const found = readWeights(bytes, file);
  const labels = labelsOf(found.answers, source);
  const published = yield* loadBackbone(input, platform, signal);
  if (published === undefined && found.hasBackbone) {
    throw new GraftError(
      "usage",
      `--source: "${source}" was trained on a pretrained network. Name that network with --backbone.`,
    );
  }
  if (published === undefined || !found.hasBackbone) {
    throw new GraftError(
      "usage",
      `--source: "${source}" is a small CNN from scratch; expected a run on the pretrained --backbone, whose features stay as they are.`,
    );
  }
  for (const text of published.warnings) yield { type: "warning", text } as const;
  const backbone = ofRun(found, published, source);
  const hypothesis = hypothesisIn(found.weights, backbone.width, labels.length);
  const { preparation, trust } = found;
  if (hypothesis !== undefined) return { source: file, bytes, trust, labels, preparation, backbone, hypothesis };
  throw new GraftError(
    "model",
    `--source: "${source}" ends in no linear head on features of "${published.name}"; expected a run of train with --head linear or fine-tuning, or of adapt with source-only or a method that learns by steps.`,
  );
}

/** Options that tell how source images are to be used. */
const ofSourceImages: Readonly<Record<string, string>> = {
  penalty: "--penalty",
  size: "--size",
  cropFraction: "--crop-fraction",
  validation: "--validation",
  group: "--group",
};

function checkOptions({ source, method, targetClasses }: AdaptInput, given: ReadonlySet<string>): void {
  if (targetClasses === "more") {
    throw new GraftError(
      "usage",
      `--target-classes more: "${source}" is a trained model, and only its labelled images can teach what is none of its classes. Give these with --source, or leave --target-classes out.`,
    );
  }
  if (method !== "shot") {
    throw new GraftError(
      "usage",
      `--source: "${source}" is a trained model, which only --method shot adapts without its images. Use that, or give the labelled images.`,
    );
  }
  const flag = Object.entries(ofSourceImages).find(([name]) => given.has(name))?.[1];
  if (flag === undefined) return;
  throw new GraftError("usage", `${flag}: "${source}" is a trained model, which was made without it. Leave it out.`);
}

/** The backbone with the weights that it has in the run; those of a frozen one that its file does not name are as published. */
function ofRun({ weights, preparation }: ModelWeights, published: Backbone, source: string): Backbone {
  const { backbone, fitting } = withWeights(
    published,
    (path) => weights.get(`${backboneName}/${path}`) ?? weights.get(path),
  );
  const isTuned = [...weights.keys()].some((path) => path.startsWith(`${backboneName}/`));
  if (!isTuned || fitting.left.length === 0) return { ...backbone, preparation };
  const named = fitting.left.slice(0, 3).map((path) => `"${path}"`);
  throw new GraftError(
    "model",
    `--source: "${source}" lacks ${fitting.left.length} weights of "${published.name}", such as ${named.join(", ")}. Name the network that it was trained on with --backbone.`,
  );
}
