import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { ServedModel } from "./servedModel.ts";
import { defineTask, type Task } from "./task.ts";

/** `graft predict`: what a model sees in some photos. */
export const predict: Task = defineTask({
  name: "predict",
  summary: "Name what is in photos, with a trained model",
  input: z.object({
    model: z.string().describe("run folder, or a model.onnx"),
    images: z.array(z.string()).min(1, "give one image file at least").describe("image files"),
    top: z.number().int().min(1).default(3).describe("classes to show for each image"),
  }),
  positionals: ["model", "images"],
  async *run({ model: path, images, top }, platform, signal) {
    const model = await ServedModel.open(path, platform);
    let failed = 0;
    try {
      for (const file of images) {
        if (signal.aborted) throw new GraftError("interrupted", "stopped.");
        try {
          const bytes = await readImage(file, platform.store);
          const probabilities = await model.probabilities({ kind: "encoded", bytes });
          const classes = model.labels.map((label, i) => ({ label, probability: probabilities[i] ?? 0 }));
          yield {
            type: "prediction",
            file,
            classes: classes.sort((a, b) => b.probability - a.probability).slice(0, top),
          };
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

async function readImage(
  file: string,
  store: { info(path: string): Promise<{ kind: string } | undefined>; read(path: string): Promise<Uint8Array> },
) {
  const info = await store.info(file);
  if (info === undefined) throw new GraftError("input", "does not exist");
  if (info.kind !== "file") throw new GraftError("input", "is not a file; give image files");
  return store.read(file);
}
