import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { splitNames } from "../data/source.ts";
import type { WantedPoint } from "../metrics/operatingPoints.ts";
import { openData } from "./dataset.ts";
import { judgeOf, wishesOf } from "./judge.ts";
import { ServedModel } from "./servedModel.ts";
import { defineTask, type Task } from "./task.ts";

const share = z.number().gt(0).max(1).optional();

/** `graft evaluate`: how good a model is on labelled photos. */
export const evaluate: Task = defineTask({
  name: "evaluate",
  summary: "Measure a trained model on labelled photos",
  input: z.object({
    model: z.string().describe("run folder, or a model.onnx"),
    data: z.string().describe("data set in any form that train takes"),
    split: z.enum(splitNames).optional().describe("only this split of the data set (default: all its images)"),
    strict: z.boolean().default(false).describe("stop at the first unusable file instead of leaving it out"),
    out: z.string().optional().describe("file for the figures, as JSON"),
    precision: share.describe(
      "print for each class the threshold of its probability that reaches this precision, 0 to 1",
    ),
    recall: share.describe("the same for this recall"),
    predictions: z.string().optional().describe("file for every image's answer and probabilities, as CSV"),
  }),
  positionals: ["model"],
  async *run({ model: path, data, split, strict, out, predictions, precision, recall }, platform, signal) {
    const model = await ServedModel.open(path, platform);
    try {
      const source = yield* openData(data, platform, { targets: wishesOf(model) });
      const judge = judgeOf(model, source, path);
      const others = source.labels.filter((label) => model.unknownLabel !== undefined && !model.labels.includes(label));
      if (others.length > 0) {
        const names = others.map((label) => `"${label}"`).join(", ");
        yield { type: "note", text: `classes that "${path}" does not know count as "${model.unknownLabel}": ${names}` };
      }
      if (predictions !== undefined && judge.predictions === undefined) {
        throw new GraftError(
          "usage",
          `--predictions is for models of one label; "${path}" has several targets. Leave it out.`,
        );
      }
      const points = wantedPoints({ precision, recall });
      if (points.length > 0 && judge.operatingPoints === undefined) {
        throw new GraftError(
          "usage",
          `--precision and --recall are for models of one label; "${path}" has several targets. Leave them out.`,
        );
      }
      const wanted = source.samples.filter((sample) => split === undefined || sample.split === split);
      if (wanted.length === 0) throw new GraftError("data", `"${data}" has no images in the split "${split}".`);
      let done = 0;
      const left: string[] = source.problems.map(({ id, reason }) => `"${id}" (${reason})`);
      for await (const { sample, image } of source.read(new Set(wanted.map(({ id }) => id)))) {
        if (signal.aborted) throw new GraftError("interrupted", "stopped before all images were measured.");
        try {
          await judge.add(sample, image);
        } catch (error) {
          if (!(error instanceof GraftError) || error.code !== "input") throw error;
          if (strict) throw new GraftError("data", `--strict: "${sample.id}": ${error.message}`);
          left.push(`"${sample.id}" (${error.message})`);
        }
        yield { type: "progress", phase: "evaluate", done: ++done, total: wanted.length };
      }
      if (left.length > 0) yield { type: "warning", text: `${left.length} left out: ${left.slice(0, 20).join(", ")}` };
      const { events, figures } = judge.verdict(data);
      yield* events;
      const tables = points.flatMap((point) => judge.operatingPoints?.(point) ?? []);
      for (const table of tables) yield { type: "operating-points", ...table };
      if (out !== undefined) {
        await platform.store.write(
          out,
          new TextEncoder().encode(
            `${JSON.stringify({ ...figures, ...(tables.length > 0 ? { operatingPoints: tables } : {}) }, undefined, 2)}\n`,
          ),
        );
        yield { type: "artefact", kind: "metrics", path: out };
      }
      if (predictions !== undefined && judge.predictions !== undefined) {
        await platform.store.write(predictions, judge.predictions(split ?? "all"));
        yield { type: "artefact", kind: "predictions", path: predictions };
      }
    } finally {
      await model.dispose();
    }
  },
});

function wantedPoints(wishes: { readonly precision: number | undefined; readonly recall: number | undefined }) {
  const wanted: WantedPoint[] = [];
  for (const of of ["precision", "recall"] as const) {
    const atLeast = wishes[of];
    if (atLeast !== undefined) wanted.push({ of, atLeast });
  }
  return wanted;
}
