import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { splitNames } from "../data/source.ts";
import { type ClassificationBatch, countedSamples } from "../metrics/classificationBatch.ts";
import { reportWithIntervals } from "../metrics/classificationIntervals.ts";
import { openData } from "./dataset.ts";
import { encodePredictions } from "./predictions.ts";
import { ServedModel } from "./servedModel.ts";
import { defineTask, type Task } from "./task.ts";

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
    predictions: z.string().optional().describe("file for every image's answer and probabilities, as CSV"),
  }),
  positionals: ["model"],
  async *run({ model: path, data, split, strict, out, predictions }, platform, signal) {
    const model = await ServedModel.open(path, platform);
    try {
      const source = yield* openData(data, platform);
      const toModel = source.labels.map((label) => model.classOf(label));
      const wanted = source.samples.filter((sample) => split === undefined || sample.split === split);
      if (wanted.length === 0) throw new GraftError("data", `"${data}" has no images in the split "${split}".`);
      const { labels } = model;
      const images: string[] = [];
      const batches: ClassificationBatch[] = [];
      let done = 0;
      const left: string[] = source.problems.map(({ id, reason }) => `"${id}" (${reason})`);
      for await (const { sample, image } of source.read(new Set(wanted.map(({ id }) => id)))) {
        if (signal.aborted) throw new GraftError("interrupted", "stopped before all images were measured.");
        try {
          const probabilities = await model.probabilities(image);
          const truth = Int32Array.of(toModel[sample.label] ?? 0);
          batches.push({ probabilities, labels: truth, classes: labels.length });
          images.push(sample.id);
        } catch (error) {
          if (!(error instanceof GraftError) || error.code !== "input") throw error;
          if (strict) throw new GraftError("data", `--strict: "${sample.id}": ${error.message}`);
          left.push(`"${sample.id}" (${error.message})`);
        }
        yield { type: "progress", phase: "evaluate", done: ++done, total: wanted.length };
      }
      if (left.length > 0) yield { type: "warning", text: `${left.length} left out: ${left.slice(0, 20).join(", ")}` };
      const report = reportWithIntervals(batches, labels.length, { labels });
      yield { type: "report", title: data, labels, report };
      if (out !== undefined) {
        await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(report, undefined, 2)}\n`));
        yield { type: "artefact", kind: "metrics", path: out };
      }
      if (predictions !== undefined) {
        const answers = countedSamples(batches);
        const lines = encodePredictions(labels, [{ split: split ?? "all", images, answers }]);
        await platform.store.write(predictions, lines);
        yield { type: "artefact", kind: "predictions", path: predictions };
      }
    } finally {
      await model.dispose();
    }
  },
});
