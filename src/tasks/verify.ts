import { z } from "zod";
import { agreementOf, disagreements, otherDecoder, sameDecoder, type Tolerances } from "../artefact/agreement.ts";
import { decodeGolden, expectedFile, type GoldenImage } from "../artefact/golden.ts";
import { runStages } from "../artefact/runStages.ts";
import { stagesOf } from "../artefact/stages.ts";
import { GraftError } from "../base/errors.ts";
import { type OtherRuntimeName, otherRuntimeNames, type Platform, type StageRequest } from "../platform/platform.ts";
import { goldenFolder } from "./runFolder.ts";
import { readRun } from "./servedModel.ts";
import { defineTask, type Task, type VerificationEntry } from "./task.ts";

const runtimeNames = ["node", ...otherRuntimeNames] as const;
type RuntimeName = "node" | OtherRuntimeName;

/** What each runtime decodes images with decides how near it must come. */
const tolerances: Readonly<Record<RuntimeName, Tolerances>> = {
  node: sameDecoder,
  wasm: sameDecoder,
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
        "node (onnxruntime-node), wasm (onnxruntime-web), python (Pillow and onnxruntime, python3 or GRAFT_PYTHON), or all of them",
      ),
  }),
  positionals: ["model"],
  async *run({ model: path, runtime }, platform, signal) {
    const { golden, request } = await openGolden(path, platform);
    const entries: VerificationEntry[] = [];
    for (const name of runtime === "all" ? runtimeNames : [runtime]) {
      const found = await (name === "node"
        ? runStages(request, platform, signal)
        : platform.otherRuntimes[name](request, signal));
      const agreement = agreementOf(golden, found);
      entries.push({ runtime: name, agreement, disagreements: disagreements(agreement, tolerances[name]) });
    }
    yield { type: "verification", entries, tolerances: otherDecoder };
    const failed = entries.flatMap(({ runtime: name, disagreements: told }) => told.map((text) => `${name}: ${text}`));
    if (failed.length > 0) {
      throw new GraftError("model", `"${path}" does not answer as it did when it was saved. ${failed.join("; ")}.`);
    }
  },
});

/** The golden images of a run, and what is to be asked of a runtime. */
async function openGolden(
  path: string,
  platform: Platform,
): Promise<{ readonly golden: readonly GoldenImage[]; readonly request: StageRequest }> {
  const { store } = platform;
  const { file, bytes } = await readRun(path, platform);
  const folder = store.join(file, "..", goldenFolder);
  const expected = store.join(folder, expectedFile);
  if ((await store.info(expected)) === undefined) {
    throw new GraftError(
      "input",
      `"${folder}" has no golden images to compare with; they are saved beside model.onnx when it is trained. Give the whole run folder, or train again.`,
    );
  }
  const golden = decodeGolden(await store.read(expected), expected);
  const images: StageRequest["images"][number][] = [];
  for (const { file: name, sha256, decoded, prepared } of golden) {
    const image = await store.read(store.join(folder, name));
    if (platform.digest(image) !== sha256) {
      throw new GraftError(
        "input",
        `"${store.join(folder, name)}" is not the image that was saved: it was changed or damaged.`,
      );
    }
    images.push({ bytes: image, decoded, prepared });
  }
  return { golden, request: { stages: stagesOf(bytes, file), images } };
}
