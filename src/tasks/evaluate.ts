import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import { splitNames } from "../data/source.ts";
import { classificationMetrics } from "../metrics/classification.ts";
import { openData } from "./dataset.ts";
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
  }),
  positionals: ["model"],
  async *run({ model: path, data, split, strict, out }, platform, signal) {
    const model = await ServedModel.open(path, platform);
    try {
      const source = yield* openData(data, platform);
      const toModel = source.labels.map((label) => indexOf(label, model.labels, path));
      const wanted = source.samples.filter((sample) => split === undefined || sample.split === split);
      if (wanted.length === 0) throw new GraftError("data", `"${data}" has no images in the split "${split}".`);
      const metric = classificationMetrics(model.labels.length, { labels: model.labels });
      let state = metric.init();
      let done = 0;
      const left: string[] = source.problems.map(({ id, reason }) => `"${id}" (${reason})`);
      for await (const { sample, image } of source.read(new Set(wanted.map(({ id }) => id)))) {
        if (signal.aborted) throw new GraftError("interrupted", "stopped before all images were measured.");
        try {
          const probabilities = await model.probabilities(image);
          const labels = Int32Array.of(toModel[sample.label] ?? 0);
          state = metric.add(state, { probabilities, labels, classes: model.labels.length });
        } catch (error) {
          if (!(error instanceof GraftError) || error.code !== "input") throw error;
          if (strict) throw new GraftError("data", `--strict: "${sample.id}": ${error.message}`);
          left.push(`"${sample.id}" (${error.message})`);
        }
        yield { type: "progress", phase: "evaluate", done: ++done, total: wanted.length };
      }
      if (left.length > 0) yield { type: "warning", text: `${left.length} left out: ${left.slice(0, 20).join(", ")}` };
      const report = metric.value(state);
      yield { type: "report", title: data, labels: model.labels, report };
      if (out !== undefined) {
        await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(report, undefined, 2)}\n`));
        yield { type: "artefact", kind: "metrics", path: out };
      }
    } finally {
      await model.dispose();
    }
  },
});

function indexOf(label: string, labels: readonly string[], path: string): number {
  const index = labels.indexOf(label);
  if (index >= 0) return index;
  throw new GraftError(
    "data",
    `the class "${label}" of the data is unknown to "${path}" (${labels.join(", ")}).${didYouMean(label, labels)}`,
  );
}
