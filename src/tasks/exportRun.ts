import { z } from "zod";
import { agreementOf, disagreements, sameDecoder } from "../artefact/agreement.ts";
import { runStages } from "../artefact/runStages.ts";
import { sumsBytesExactly, withBytes, withHalfWeights } from "../artefact/smallerModel.ts";
import { stagesOf } from "../artefact/stages.ts";
import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { Platform } from "../platform/platform.ts";
import { pairedGain } from "../transfer/pairedGain.ts";
import { exportedFile, type FileForm, fileForms } from "./exportedForms.ts";
import { exportPage } from "./exportPage.ts";
import { type HeldOut, heldOutOf } from "./heldOut.ts";
import { openGolden } from "./openGolden.ts";
import { Rival, rivalRow } from "./rival.ts";
import { readRun, ServedModel } from "./servedModel.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

const formats = [...fileForms, "web"] as const;

/** Options of what changes a model. */
const conversionFlags = { data: "--data", reduceRange: "--reduce-range", acceptLoss: "--accept-loss" };
/** Images whose ranges decide how 8 bits are used. */
const calibrationImages = 100;
/** Losses beyond so many standard errors are no chance: 95 %, both ways. */
const significantErrors = 1.96;

/** `graft export`: a model in a form for where it is to run. */
export const exportRun: Task = defineTask({
  name: "export",
  summary: "Write a run's model in another form, and compare both before it is called done",
  input: z.object({
    model: z.string().describe("run folder"),
    to: z
      .enum(formats)
      .describe(
        "onnx (float32, as trained), onnx-fp16 (weights in half the size, computed in float32), onnx-int8 (8-bit weights and arithmetic, calibrated on held-out images) or web (a folder with a page that classifies photos in the browser, offline)",
      ),
    out: z
      .string()
      .optional()
      .describe("file to write, for web a folder (default: model-FORMAT.onnx, or web, in the run folder)"),
    data: z
      .string()
      .optional()
      .describe("labelled images to calibrate and compare on (default: those that the run held out)"),
    reduceRange: z
      .boolean()
      .default(false)
      .describe(
        "for onnx-int8: 7-bit weights, for processors without VNNI, which sum 8-bit products in 16 bits; automatic where this one is such",
      ),
    acceptLoss: z.boolean().default(false).describe("write the file also where it is measurably less accurate"),
  }),
  positionals: ["model"],
  async *run({ model: path, to, out, data, reduceRange, acceptLoss }, platform, signal, given) {
    if (to === "web") {
      const idle = Object.entries(conversionFlags).find(([option]) => given.has(option));
      if (idle !== undefined)
        throw new GraftError("usage", `${idle[1]} does not apply to --to web: the model stays as it is.`);
      return yield* exportPage(path, out, platform, signal);
    }
    const { file, bytes } = await readRun(path, platform);
    const heldOut = yield* heldOutOf(path, data, platform);
    const made = yield* converted({ bytes, name: file }, { to, reduceRange }, heldOut, platform, signal);
    const target = out ?? platform.store.join(file, "..", exportedFile(to));
    const loss = yield* compared({ bytes, file }, { bytes: made, format: to }, heldOut, platform, signal);
    if (loss !== undefined && !acceptLoss)
      throw new GraftError("data", `${loss} Nothing was written; --accept-loss writes it all the same.`);
    if (loss !== undefined) yield { type: "warning", text: loss };
    yield* checked(path, made, to, platform, signal);
    await platform.store.write(target, made);
    yield { type: "artefact", kind: "model", path: target };
  },
});

async function* converted(
  file: { readonly bytes: Uint8Array; readonly name: string },
  { to, reduceRange }: { readonly to: FileForm; readonly reduceRange: boolean },
  heldOut: HeldOut,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, Uint8Array> {
  const { engine } = platform;
  switch (to) {
    case "onnx":
      return file.bytes;
    case "onnx-fp16":
      return withHalfWeights(file, engine);
    case "onnx-int8": {
      const ids = spread(heldOut.calibration, calibrationImages);
      yield { type: "note", text: `calibrated on ${ids.length} held-out images` };
      const isReduced = reduceRange || !(await sumsBytesExactly(engine));
      if (isReduced && !reduceRange) {
        yield { type: "note", text: "this processor sums 8-bit products in 16 bits, so weights keep 7 bits" };
      }
      const weightRange = isReduced ? "reduced" : "full";
      return withBytes(file, decodedImages(heldOut, ids, platform), engine, { weightRange, signal });
    }
  }
}

/** Size, speed and accuracy of both; in words what is lost, where that is more than chance. */
async function* compared(
  before: { readonly bytes: Uint8Array; readonly file: string },
  after: { readonly bytes: Uint8Array; readonly format: FileForm },
  { source, measured, part }: HeldOut,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, string | undefined> {
  const rivals: Rival[] = [];
  try {
    for (const { bytes } of [before, after]) {
      rivals.push(new Rival(await ServedModel.of(bytes, before.file, platform), platform));
    }
    let done = 0;
    for await (const { sample, image } of source.read(new Set(measured))) {
      if (signal.aborted) throw new GraftError("interrupted", "stopped before both models were compared.");
      const pixels = imageTensor(await decodeImage(image, platform, limitPixels));
      // By turns: what slows the machine slows both.
      for (const rival of rivals) await rival.judge(pixels, source.labels[sample.label] ?? "");
      yield { type: "progress", phase: "evaluate", done: ++done, total: measured.length };
    }
    const [float32, other] = rivals;
    if (float32 === undefined || other === undefined) return undefined;
    const table = [
      ["", "MB", "images/s", `right on ${part}`],
      rivalRow("as trained", float32.figures()),
      rivalRow(after.format, other.figures()),
    ];
    yield { type: "note", text: alignTable(table) };
    const { gain, standardError } = pairedGain(float32.right, other.right);
    if (gain >= 0 || -gain <= significantErrors * standardError) return undefined;
    return `${after.format} names ${(-100 * gain).toFixed(1)} ± ${(100 * standardError).toFixed(1)} points fewer images right, which is more than chance.`;
  } finally {
    for (const { model } of rivals) await model.dispose();
  }
}

/** Compares with the run's golden images. Throws `model` where a form that loses nothing differs. */
async function* checked(
  path: string,
  made: Uint8Array,
  format: FileForm,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const { golden, images } = await openGolden(path, platform);
  const agreement = agreementOf(golden, await runStages({ stages: stagesOf(made, format), images }, platform, signal));
  const allowed = { ...sameDecoder, network: format === "onnx" ? sameDecoder.network : Number.POSITIVE_INFINITY };
  const told = disagreements(agreement, allowed);
  yield { type: "verification", entries: [{ runtime: format, agreement, disagreements: told }] };
  if (told.length > 0 && format === "onnx")
    throw new GraftError("model", `the exported file differs: ${told.join("; ")}.`);
}

async function* decodedImages({ source }: HeldOut, ids: readonly string[], platform: Platform): AsyncGenerator<Tensor> {
  for await (const { image } of source.read(new Set(ids))) {
    yield imageTensor(await decodeImage(image, platform, limitPixels));
  }
}

/** At most so many, from all over the list. */
function spread(ids: readonly string[], count: number): readonly string[] {
  const step = Math.max(1, ids.length / count);
  return Array.from({ length: Math.min(count, ids.length) }, (_, i) => ids[Math.floor(i * step)] ?? "");
}
