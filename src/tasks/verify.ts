import { z } from "zod";
import { agreementOf, disagreements, otherDecoder, sameDecoder, type Tolerances } from "../artefact/agreement.ts";
import { runStages } from "../artefact/runStages.ts";
import { GraftError } from "../base/errors.ts";
import { type OtherRuntimeName, otherRuntimeNames } from "../platform/platform.ts";
import { openGolden } from "./openGolden.ts";
import { defineTask, type Task, type VerificationEntry } from "./task.ts";

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
  }),
  positionals: ["model"],
  async *run({ model: path, runtime }, platform, signal) {
    const { golden, images, stages } = await openGolden(path, platform);
    const request = { stages, images };
    const entries: VerificationEntry[] = [];
    for (const name of runtime === "all" ? runtimeNames : [runtime]) {
      try {
        const found = await (name === "node"
          ? runStages(request, platform, signal)
          : platform.otherRuntimes[name](request, signal));
        const agreement = agreementOf(golden, found);
        entries.push({ runtime: name, agreement, disagreements: disagreements(agreement, tolerances[name]) });
      } catch (error) {
        // Of all runtimes, those that are here are compared.
        if (runtime !== "all" || !(error instanceof GraftError) || error.code !== "system") throw error;
        yield { type: "warning", text: `${name} left out: ${error.message}` };
      }
    }
    yield { type: "verification", entries, tolerances: otherDecoder };
    const failed = entries.flatMap(({ runtime: name, disagreements: told }) => told.map((text) => `${name}: ${text}`));
    if (failed.length > 0) {
      throw new GraftError("model", `"${path}" does not answer as it did when it was saved. ${failed.join("; ")}.`);
    }
  },
});
