import { agreementOf, disagreements, otherDecoder, sameDecoder } from "../artefact/agreement.ts";
import { imageInput, type ModelAnswers, readModelMetadata } from "../artefact/modelMetadata.ts";
import { type StatedTrust, unknownOutput } from "../artefact/statedTrust.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform, Store } from "../platform/platform.ts";
import { openGolden } from "./openGolden.ts";
import { readRun } from "./servedModel.ts";
import type { TaskEvent, VerificationEntry } from "./task.ts";

const cardFile = "model.json";

/**
 * Writes a folder with a page that classifies images in a browser, after its runtime has answered as the model did when it was saved.
 * Throws `model` where it does not, `input` for a folder that holds something else.
 */
export async function* exportPage(
  path: string,
  out: string | undefined,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const { store } = platform;
  const { file, bytes } = await readRun(path, platform);
  const folder = out ?? store.join(file, "..", "web");
  await checkFree(folder, store);
  yield* checked(path, platform, signal);
  const { answers, trust } = readModelMetadata(bytes, file);
  const name = store.baseName(store.absolute(path));
  const card = { name, imageInput, unknownOutput, outputs: outputsOf(answers, trust), trust };
  const files = new Map([
    ...(await platform.pageFiles()),
    ["model.onnx", bytes] as const,
    [cardFile, new TextEncoder().encode(JSON.stringify(card, undefined, 2))] as const,
  ]);
  for (const [name, content] of files) {
    const target = store.join(folder, name);
    await store.makeFolder(store.join(target, ".."));
    await store.write(target, content);
  }
  yield { type: "artefact", kind: "page", path: folder };
  yield {
    type: "note",
    text: `to open it: npx serve ${folder} (or any web server; a page from a file may load no model)`,
  };
}

/** An older page may be written over; anything else is someone's. */
async function checkFree(folder: string, store: Store): Promise<void> {
  const info = await store.info(folder);
  if (info === undefined) return;
  const entries = info.kind === "folder" ? await store.list(folder) : undefined;
  if (entries?.length === 0 || entries?.some(({ name }) => name === cardFile)) return;
  throw new GraftError("input", `"${folder}" exists and is no page that Graft wrote. Name a new folder with --out.`);
}

/** The runtime of the page here, and in a browser where there is one. */
async function* checked(path: string, platform: Platform, signal: AbortSignal): AsyncGenerator<TaskEvent> {
  const { golden, images, stages } = await openGolden(path, platform);
  const entries: VerificationEntry[] = [];
  for (const runtime of ["wasm", "web"] as const) {
    try {
      const agreement = agreementOf(golden, await platform.otherRuntimes[runtime]({ stages, images }, signal));
      const allowed = runtime === "web" ? otherDecoder : sameDecoder;
      entries.push({ runtime, agreement, disagreements: disagreements(agreement, allowed) });
    } catch (error) {
      if (runtime !== "web" || !(error instanceof GraftError) || error.code !== "system") throw error;
      yield { type: "note", text: `not tried in a browser: ${error.message}` };
    }
  }
  yield { type: "verification", entries, tolerances: otherDecoder };
  const failed = entries.flatMap(({ runtime, disagreements: told }) => told.map((text) => `${runtime}: ${text}`));
  if (failed.length > 0) throw new GraftError("model", `the page would answer differently. ${failed.join("; ")}.`);
}

/** What the page shows of each of the model's outputs. */
function outputsOf(answers: ModelAnswers, trust: StatedTrust) {
  if (answers.kind === "classes") return [{ output: "probabilities", labels: answers.labels }];
  return answers.targets.map((target) => ({
    output: target.name,
    title: target.name,
    labels: target.kind === "classes" ? target.labels : undefined,
    trust: trust.targets?.get(target.name),
  }));
}
