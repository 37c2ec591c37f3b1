import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { Benchmark, type FormSpeed, type ModelForm, type NetworkSpeed } from "./benchmark.ts";
import { exportedFile, fileForms } from "./exportedForms.ts";
import { readImageFile } from "./imageFile.ts";
import { openGolden } from "./openGolden.ts";
import { readRun } from "./servedModel.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

/** `graft bench`: how fast a model is here. */
export const bench: Task = defineTask({
  name: "bench",
  summary: "Measure how fast a model answers on this machine, beside its exported forms",
  input: z.object({
    model: z.string().describe("run folder"),
    images: z.array(z.string()).default([]).describe("image files to answer (default: the golden images of the run)"),
    batchSizes: z.string().default("1,4,16").describe("images that the network answers in one run, with commas"),
    threadCounts: z
      .string()
      .optional()
      .describe("processor threads of the network, with commas (default: 1 and all processors)"),
    seconds: z.number().positive().max(600).default(2).describe("seconds for each form in each row"),
  }),
  positionals: ["model", "images"],
  parting: "finishing this row",
  async *run({ model: path, images, batchSizes, threadCounts, seconds }, platform, signal) {
    const sizes = countsIn(batchSizes, "batch-sizes");
    const counts = threadCounts === undefined ? [1, platform.parallelism] : countsIn(threadCounts, "thread-counts");
    const forms = await formsOf(path, platform);
    const files = images.length > 0 ? await filesOf(images, platform) : (await openGolden(path, platform)).images;
    const benchmark = new Benchmark(
      platform,
      files.map(({ bytes }) => bytes),
      seconds,
      signal,
    );
    const [trained] = forms;
    if (trained === undefined) return;
    yield { type: "note", text: `${files.length} images, ${forms.map(({ name }) => name).join(", ")}` };
    const threads = [...new Set(counts)];
    const total = 2 + threads.length * sizes.length;
    const progress = (done: number): TaskEvent => ({ type: "progress", phase: "evaluate", done, total, unit: "steps" });
    yield progress(0);
    const input = await benchmark.input(trained);
    yield progress(1);
    const speeds: readonly FormSpeed[] = await benchmark.forms(forms);
    yield progress(2);
    const networks: NetworkSpeed[] = [];
    for (const count of threads) {
      for await (const row of benchmark.networks(forms, count, sizes)) {
        networks.push(...row);
        yield progress(2 + networks.length / forms.length);
        if (signal.aborted) break;
      }
      if (signal.aborted) break;
    }
    yield { type: "benchmark", input, forms: speeds, networks };
    if (signal.aborted) throw new GraftError("interrupted", "stopped before all was measured.");
    if (forms.length === 1) yield { type: "note", text: `to compare: graft export ${path} --to onnx-int8` };
  },
});

/** The model as it was trained, and what it was exported to. */
async function formsOf(path: string, platform: Platform): Promise<readonly ModelForm[]> {
  const { store } = platform;
  const { file, bytes } = await readRun(path, platform);
  const forms: ModelForm[] = [{ name: "float32", path: file, bytes: bytes.length }];
  // The form onnx is the same file again.
  for (const form of fileForms.filter((each) => each !== "onnx")) {
    const exported = store.join(file, "..", exportedFile(form));
    const info = await store.info(exported);
    if (info?.kind === "file") forms.push({ name: form.replace("onnx-", ""), path: exported, bytes: info.size });
  }
  return forms;
}

async function filesOf(
  paths: readonly string[],
  { store }: Platform,
): Promise<readonly { readonly bytes: Uint8Array }[]> {
  const files: { readonly bytes: Uint8Array }[] = [];
  for (const path of paths) {
    try {
      files.push({ bytes: await readImageFile(path, store) });
    } catch (error) {
      if (error instanceof GraftError) throw new GraftError(error.code, `"${path}": ${error.message}`);
      throw error;
    }
  }
  return files;
}

/** Throws `usage` for what is no list of whole numbers from 1 to 1024. */
function countsIn(text: string, option: string): readonly number[] {
  const counts = text.split(",").map((part) => (/^ *\d+ *$/.test(part) ? Number(part) : Number.NaN));
  if (counts.every((count) => count >= 1 && count <= 1024)) return counts;
  throw new GraftError("usage", `--${option}: found "${text}"; expected whole numbers from 1 to 1024, as in 1,8.`);
}
