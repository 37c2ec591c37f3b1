import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { decodeOutputs, encodeRequest } from "../artefact/stageExchange.ts";
import { GraftError, messageOf } from "../base/errors.ts";
import type { StageOutputs, StageRequest } from "../platform/platform.ts";
import { startBrowser } from "./browser.ts";
import { runtimeFiles, runtimePath, scriptFolder } from "./pageFiles.ts";

/** What a headless Chromium makes of a model and its images, with the decoder and the runtime of the page that `graft export --to web` writes. */
export async function runStagesInBrowser(request: StageRequest, signal: AbortSignal): Promise<readonly StageOutputs[]> {
  const stopped = new GraftError("interrupted", "stopped before the browser had answered.");
  if (signal.aborted) throw stopped;
  const browser = await startBrowser();
  const close = () => void browser.close();
  signal.addEventListener("abort", close);
  try {
    return decodeOutputs(await outputsFrom(browser, request), request.images.length, "the browser");
  } catch (thrown) {
    if (signal.aborted) throw stopped;
    if (thrown instanceof GraftError) throw thrown;
    const reason = messageOf(thrown).split("\n", 1)[0];
    throw new GraftError("system", `the browser could not run the model: ${reason}`, { cause: thrown });
  } finally {
    signal.removeEventListener("abort", close);
    await browser.close();
  }
}

/** Serves the request and the scripts on loopback, and waits for the page to send its outputs. */
async function outputsFrom(browser: Browser, request: StageRequest): Promise<Uint8Array> {
  const body = Buffer.concat(encodeRequest(request));
  let outputs: Uint8Array | undefined;
  const server = createServer(
    answering(body, (received) => {
      outputs = received;
    }),
  );
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  try {
    const address = server.address();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`);
    await page.evaluate('import("/web/answerStages.js").then(({ answerStages }) => answerStages())');
    if (outputs === undefined) throw new Error("it sent no answers");
    return outputs;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function answering(request: Uint8Array, receive: (outputs: Uint8Array) => void): RequestListener {
  return async (message, response) => {
    // Without the first two a page has no threads.
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    try {
      if (message.method === "POST") receive(await bodyOf(message));
      const { type, body } = message.method === "POST" ? empty : await fileAt(message.url ?? "/", request);
      response.setHeader("content-type", type).end(body);
    } catch {
      response.writeHead(404).end();
    }
  };
}

interface Served {
  readonly type: string;
  readonly body: Uint8Array | string;
}

const empty: Served = { type: "text/plain", body: "" };

async function fileAt(url: string, request: Uint8Array): Promise<Served> {
  if (url === "/") return { type: "text/html", body: "<!doctype html><link rel=icon href='data:,'>" };
  if (url === "/request") return { type: "application/octet-stream", body: request };
  const runtime = runtimeFiles.find((name) => url === `/web/${name}`);
  if (runtime !== undefined) {
    const type = runtime.endsWith(".wasm") ? "application/wasm" : "text/javascript";
    return { type, body: await readFile(runtimePath(runtime)) };
  }
  const script = /^\/(\w+\/\w+\.js)$/.exec(url)?.[1];
  if (script === undefined) throw new Error("no such file");
  return { type: "text/javascript", body: await readFile(join(scriptFolder, script)) };
}

async function bodyOf(message: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of message) parts.push(part);
  return Buffer.concat(parts);
}
