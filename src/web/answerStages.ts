import { runStages } from "../artefact/runStages.ts";
import { decodeRequest, encodeOutputs } from "../artefact/stageExchange.ts";
import { createBrowserCodec } from "./codec.ts";
import { createBrowserEngine } from "./engine.ts";

/** Fetches a model and images from the server of this page, runs them here and sends back what came out. */
export async function answerStages(): Promise<void> {
  const request = decodeRequest(new Uint8Array(await (await fetch("/request")).arrayBuffer()));
  const platform = { engine: createBrowserEngine(), codec: createBrowserCodec() };
  const outputs = await runStages(request, platform, new AbortController().signal);
  const parts = encodeOutputs(outputs).map((part) => part.slice());
  const sent = await fetch("/outputs", { method: "POST", body: new Blob(parts) });
  if (!sent.ok) throw new Error(`the answers did not arrive: status ${sent.status}`);
}
