import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { methodNames } from "../explain/attribute.ts";
import { beatsRandom } from "../explain/check.ts";
import type { Layer } from "../explain/layers.ts";
import { Explainer } from "./explainer.ts";
import { defineTask, type Explanation, type Task, type TaskEvent } from "./task.ts";

/** `graft explain`: where a model looks when it answers. */
export const explain: Task = defineTask({
  name: "explain",
  summary: "Show which parts of photos make a trained model answer as it does",
  input: z.object({
    model: z.string().describe("run folder, or a model.onnx"),
    images: z.array(z.string()).min(1, "give one image file at least").describe("image files"),
    method: z
      .enum(methodNames)
      .default("gradcam")
      .describe("gradcam, gradcam++ and eigencam look into a layer, the others at the pixels alone"),
    class: z.string().optional().describe("class to explain; without it what the model answers"),
    layer: z
      .string()
      .optional()
      .describe("layer that the CAM methods look into; without it the last with feature maps"),
    out: z.string().default("explanations").describe("folder for the pictures"),
    check: z
      .boolean()
      .default(false)
      .describe("test each map: deletion and insertion against random maps, and a model with a random head"),
    seed: z.number().int().min(0).default(0).describe("draws the random maps and head of --check"),
  }),
  positionals: ["model", "images"],
  async *run(input, platform, signal) {
    const { images, method } = input;
    const explainer = await Explainer.open(input, platform, signal);
    const explanations: Explanation[] = [];
    try {
      if (explainer.layer !== undefined) yield { type: "note", text: layerNote(explainer.layer) };
      for (const file of images) {
        try {
          const { explanation, isEmpty } = await explainer.explain(file);
          if (isEmpty) {
            const text = `"${file}": by ${method}, nothing in the photo speaks for "${explanation.label}"`;
            yield { type: "warning", text };
          }
          explanations.push(explanation);
          yield { type: "explanation", ...explanation };
        } catch (error) {
          if (signal.aborted) throw new GraftError("interrupted", "stopped; the pictures written so far are whole.");
          if (!(error instanceof GraftError) || error.code !== "input") throw error;
          yield { type: "warning", text: `"${file}": ${error.message}` };
        }
      }
    } finally {
      await explainer.dispose();
    }
    yield* summary(explanations);
    const failed = images.length - explanations.length;
    if (failed > 0) throw new GraftError("input", `${failed} of ${images.length} images could not be read; see above.`);
  },
});

function layerNote({ name, channels, height, width }: Layer): string {
  return `looking into the layer "${name}": ${channels} maps of ${height} × ${width}`;
}

/** How many of several maps passed. */
function* summary(explanations: readonly Explanation[]): Generator<TaskEvent> {
  const checks = explanations.flatMap(({ check }) => check ?? []);
  if (checks.length < 2) return;
  const passed = checks.filter(beatsRandom).length;
  const correlation = checks.reduce((sum, { randomHeadCorrelation }) => sum + randomHeadCorrelation, 0) / checks.length;
  const text =
    `${passed} of ${checks.length} maps beat random ones in both deletion and insertion; ` +
    `mean rank correlation with a random head's maps ${correlation.toFixed(2)}`;
  yield { type: "note", text };
}
