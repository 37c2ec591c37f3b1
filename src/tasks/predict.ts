import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { classificationOf, targetAnswers } from "./imageAnswers.ts";
import { readImageFile } from "./imageFile.ts";
import { ServedModel } from "./servedModel.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

/** `graft predict`: what a model sees in some photos. */
export const predict: Task = defineTask({
  name: "predict",
  summary: "Name what is in photos, with a trained model",
  input: z.object({
    model: z.string().describe("run folder, or a model.onnx"),
    images: z.array(z.string()).min(1, "give one image file at least").describe("image files"),
    top: z.number().int().min(1).default(3).describe("classes to show for each image"),
    nearest: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("training images to show that are most alike, by the features that a run judges by"),
  }),
  positionals: ["model", "images"],
  async *run({ model: path, images, top, nearest: count }, platform, signal) {
    const model = await ServedModel.open(path, platform);
    let failed = 0;
    try {
      const near =
        count > 0 ? yield* (await nearest()).nearestImages(path, images, count, { platform, signal }) : undefined;
      for (const file of images) {
        if (signal.aborted) throw new GraftError("interrupted", "stopped.");
        try {
          const bytes = await readImageFile(file, platform.store);
          const event = await predictionOf(model, file, bytes, top);
          const alike = near?.get(file);
          yield event.type === "prediction" && alike !== undefined ? { ...event, nearest: alike } : event;
        } catch (error) {
          if (!(error instanceof GraftError) || error.code !== "input") throw error;
          failed++;
          yield { type: "warning", text: `"${file}": ${error.message}` };
        }
      }
    } finally {
      await model.dispose();
    }
    if (failed > 0) throw new GraftError("input", `${failed} of ${images.length} images could not be read; see above.`);
  },
});

/** Loaded when it is asked for: features need much that an answer does not. */
const nearest = () => import("./nearestImages.ts");

async function predictionOf(model: ServedModel, file: string, bytes: Uint8Array, top: number): Promise<TaskEvent> {
  const outputs = await model.outputs({ kind: "encoded", bytes });
  if (model.answers.kind === "targets") return { type: "answers", file, targets: targetAnswers(model, outputs, top) };
  return { type: "prediction", file, ...classificationOf(model, outputs, top) };
}
