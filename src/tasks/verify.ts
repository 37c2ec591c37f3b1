import { z } from "zod";
import {
  type Agreement,
  agreementOf,
  disagreements,
  mergeAgreements,
  otherDecoder,
  sameDecoder,
  type Tolerances,
} from "../artefact/agreement.ts";
import { runStages } from "../artefact/runStages.ts";
import { stagesOf } from "../artefact/stages.ts";
import { GraftError } from "../base/errors.ts";
import { type ModelStages, type OtherRuntimeName, otherRuntimeNames, type Platform } from "../platform/platform.ts";
import { openData } from "./dataset.ts";
import { type GoldenBatch, goldenBatches } from "./goldenAnswers.ts";
import { openGolden } from "./openGolden.ts";
import { readRun } from "./servedModel.ts";
import { defineTask, type Task, type TaskEvent, type VerificationEntry } from "./task.ts";

const runtimeNames = ["node", ...otherRuntimeNames] as const;
type RuntimeName = "node" | OtherRuntimeName;

/** What each runtime decodes images with decides how near it must come. */
const tolerances: Readonly<Record<RuntimeName, Tolerances>> = {
  node: sameDecoder,
  wasm: sameDecoder,
  web: otherDecoder,
  python: otherDecoder,
};

/** `graft verify`: that a model answers as it did when it was saved. */
export const verify: Task = defineTask({
  name: "verify",
  summary: "Prove that a model answers as it did when it was saved, on this machine and in other runtimes",
  input: z.object({
    model: z.string().describe("run folder"),
    runtime: z
      .enum([...runtimeNames, "all"])
      .default("node")
      .describe(
        "node (onnxruntime-node), wasm (onnxruntime-web), web (the same in a headless Chromium, with its decoder; needs playwright-core), python (Pillow and onnxruntime, python3 or GRAFT_PYTHON), or all of them",
      ),
    data: z
      .string()
      .optional()
      .describe(
        "compare on all these images, with what node makes of them now (default: the golden images of the run)",
      ),
  }),
  positionals: ["model"],
  async *run({ model: path, runtime, data }, platform, signal) {
    const { stages, batches, total } = yield* comparedImages(path, data, platform, signal);
    const names = new Set<RuntimeName>(runtime === "all" ? runtimeNames : [runtime]);
    const found = new Map<RuntimeName, Agreement>();
    let done = 0;
    for await (const batch of batches) {
      for (const name of names) {
        try {
          const agreement = await agreementWith(name, stages, batch, platform, signal);
          const before = found.get(name);
          found.set(name, before === undefined ? agreement : mergeAgreements(before, agreement));
        } catch (error) {
          // Of all runtimes, those that are here are compared.
          if (runtime !== "all" || !(error instanceof GraftError) || error.code !== "system") throw error;
          names.delete(name);
          found.delete(name);
          yield { type: "warning", text: `${name} left out: ${error.message}` };
        }
      }
      done += batch.images.length;
      if (data !== undefined) yield { type: "progress", phase: "compare", done, total };
    }
    const entries = Array.from(found, ([name, agreement]): VerificationEntry => {
      return { runtime: name, agreement, disagreements: disagreements(agreement, tolerances[name]) };
    });
    yield { type: "verification", entries, tolerances: otherDecoder };
    const failed = entries.flatMap(({ runtime: name, disagreements: told }) => told.map((text) => `${name}: ${text}`));
    if (failed.length === 0) return;
    const before = data === undefined ? "as it did when it was saved" : "alike everywhere";
    throw new GraftError("model", `"${path}" does not answer ${before}. ${failed.join("; ")}.`);
  },
});

interface Compared {
  readonly stages: ModelStages;
  readonly batches: AsyncIterable<GoldenBatch> | Iterable<GoldenBatch>;
  /** Images. */
  readonly total: number;
}

/** The golden images of a run, or all of `data` with what the model makes of them now. */
async function* comparedImages(
  path: string,
  data: string | undefined,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, Compared> {
  if (data === undefined) {
    const { stages, ...batch } = await openGolden(path, platform);
    return { stages, batches: [batch], total: batch.images.length };
  }
  const { file, bytes } = await readRun(path, platform);
  const stages = stagesOf(bytes, file);
  const source = yield* openData(data, platform);
  return { stages, batches: goldenBatches(source, stages, platform, signal), total: source.samples.length };
}

async function agreementWith(
  runtime: RuntimeName,
  stages: ModelStages,
  { golden, images }: GoldenBatch,
  platform: Platform,
  signal: AbortSignal,
): Promise<Agreement> {
  const request = { stages, images };
  const found = await (runtime === "node"
    ? runStages(request, platform, signal)
    : platform.otherRuntimes[runtime](request, signal));
  return agreementOf(golden, found);
}
