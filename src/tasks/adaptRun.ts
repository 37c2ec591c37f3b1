import { informationOf } from "../adapt/validators/infoMax.ts";
import { encodeModelFile, type ModelWeights, readWeights } from "../artefact/modelFile.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { backboneName, withWeights } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { openUnlabelled } from "../data/openSource.ts";
import type { Platform } from "../platform/platform.ts";
import { applyLayers, dataOf } from "../transfer/domainTrial.ts";
import { learnSourceFree } from "../transfer/learnSourceFree.ts";
import { pairedGain } from "../transfer/pairedGain.ts";
import { hypothesisIn } from "../transfer/sourceHypothesis.ts";
import type { AdaptInput } from "./adaptInput.ts";
import { prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { checkCounts, compareClasses, featuresOf } from "./openDomains.ts";
import { nameOfData } from "./resume.ts";
import { RunFolder } from "./runFolder.ts";
import { report, storedInput } from "./saveAdapted.ts";
import { labelsOf, readRun } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";

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
  checkOptions(input, given);
  const { labels, preparation, backbone, hypothesis } = yield* openHypothesis(input, platform, signal);
  const classes = labels.length;
  const to = await openUnlabelled(input.target, platform);
  yield { type: "note", text: `${input.target}: ${to.description}, ${to.samples.length} images` };
  const images = yield* prepareData(to, preparation, platform, { strict: input.strict, signal });
  checkCounts(images, input.target);
  yield* compareClasses({ labels }, to, input.target);
  const all = images.samples.map((_, i) => i);
  const target = yield* featuresOf(backbone, images, all, { platform, signal });
  const { extractor, head, weights: start } = hypothesis;
  const before = await applyLayers([...extractor, head], start, target, platform.engine);
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
  const name = `${nameOfData(input.source, platform)}-to-${nameOfData(input.target, platform)}`;
  const folder = await RunFolder.claim(input.out ?? platform.store.join("runs", name), platform);
  yield { type: "artefact", kind: "run", path: folder.path };
  await folder.writeJson("config.json", { adapt: await storedInput(input, folder.path, platform), labels });
  await folder.writeJson("account.json", { validator: "infoMax", method: "shot", ...change });
  await folder.writeJson("metrics.json", judged ?? {});
  if (judged !== undefined) {
    yield { type: "report", title: "target, by the run as it was", labels, report: judged.before };
    yield { type: "report", title: "target", labels, report: judged.target };
  }
  await folder.writeHistory(learned.history);
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  const answers = { kind: "classes", labels } as const;
  const { network, weights } = learned;
  await platform.store.write(
    folder.file("model.onnx"),
    encodeModelFile({ name: "classifier", answers, preparation, backbone, network, weights }),
  );
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
}

function inWords({ gain, standardError }: { readonly gain: number; readonly standardError: number }): string {
  const signed = `${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(3)} ± ${standardError.toFixed(3)} nats`;
  const verdict = gain > standardError ? "more" : "no more";
  return `shot: InfoMax ${signed} over the run as it was, ${verdict} than its standard error. SHOT maximises InfoMax itself, so this is no proof: check by some labelled photos`;
}

async function* openHypothesis(input: AdaptInput, platform: Platform, signal: AbortSignal) {
  const { source } = input;
  const { file, bytes } = await readRun(source, platform);
  const found = readWeights(bytes, file);
  const labels = labelsOf(found.answers, source);
  const published = yield* loadBackbone(input, platform, signal);
  if (published === undefined || !found.hasBackbone) {
    throw new GraftError(
      "usage",
      `--source: "${source}" is a small CNN from scratch; expected a run on the pretrained --backbone, whose features stay as they are.`,
    );
  }
  for (const text of published.warnings) yield { type: "warning", text } as const;
  const backbone = ofRun(found, published, source);
  const hypothesis = hypothesisIn(found.weights, backbone.width, labels.length);
  if (hypothesis !== undefined) return { labels, preparation: found.preparation, backbone, hypothesis };
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

function checkOptions({ source, method }: AdaptInput, given: ReadonlySet<string>): void {
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
