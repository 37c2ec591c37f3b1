import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { defineTask, type Task } from "../tasks/task.ts";
import { createApp } from "./app.ts";
import { EventQueue } from "./eventQueue.ts";
import { Explanations } from "./explanations.ts";
import { ServerMetrics } from "./metrics.ts";
import { ModelShelf } from "./modelShelf.ts";
import { startServer } from "./startServer.ts";

const refreshEveryMs = 1000;

const input = z.object({
  models: z.array(z.string()).min(1, "give one run folder at least").describe("run folders, or model.onnx files"),
  host: z.string().default("127.0.0.1").describe("address to listen at; 0.0.0.0 lets other machines ask"),
  port: z.number().int().min(0).max(65_535).default(8080).describe("port to listen at; 0 takes a free one"),
  apiKeyFile: z
    .string()
    .optional()
    .describe("file with a key that requests must bring, as Authorization: Bearer or X-API-Key"),
  batchSize: z.number().int().min(1).max(256).default(8).describe("images that run together at most"),
  batchWait: z.number().min(0).max(1000).default(3).describe("ms that an image waits for others to share its batch"),
  workers: z.number().int().min(1).max(64).default(1).describe("threads with a copy of every model"),
  maxBody: z.number().positive().default(20).describe("megabytes of a request at most"),
  maxPixels: z.number().int().positive().default(50_000_000).describe("pixels of an image at most"),
  maxImages: z.number().int().positive().default(32).describe("images of a request at most"),
  maxPending: z.number().int().positive().default(64).describe("requests under way at most; more get 503"),
  rate: z.number().min(0).default(0).describe("requests a second of one client at most; 0 for any number"),
  timeout: z.number().positive().max(600).default(10).describe("seconds that a request may take"),
});
type ServeInput = z.output<typeof input>;

/** `graft serve`: trained models over HTTP. */
export const serve: Task = defineTask({
  name: "serve",
  summary: "Serve trained models over HTTP: image files to labels, the Open Inference Protocol, metrics",
  input,
  positionals: ["models"],
  parting: "finishing the requests under way",
  async *run(options, platform, signal) {
    const events = new EventQueue();
    const engine = platform.workerEngine(options.workers);
    const explanations = new Explanations(() => platform.workerEngine(1, 1), platform.codec);
    try {
      const apiKey = await readApiKey(options.apiKeyFile, platform);
      const metrics = new ServerMetrics();
      const shelf = await ModelShelf.open(
        options.models,
        { engine, codec: platform.codec, store: platform.store },
        {
          batchSize: options.batchSize,
          batchWaitMs: options.batchWait,
          metrics,
          say: (text) => events.push({ type: "note", text }),
        },
      );
      const app = createApp({
        shelf,
        explanations,
        metrics,
        limits: limitsOf(options, platform),
        apiKey,
        version: "1",
        log: (record) => events.push({ type: "log", record }),
        isOpen: () => !signal.aborted,
      });
      const timeoutMs = 1000 * options.timeout;
      const server = await startServer(app, { host: options.host, port: options.port, timeoutMs });
      yield { type: "note", text: `serving ${shelf.names.map((name) => `"${name}"`).join(", ")} at ${server.url}` };
      const refreshing = refreshUntil(signal, shelf, events);
      const stopping = whenAborted(signal)
        .then(() => server.stop(timeoutMs))
        .finally(() => events.close());
      yield* events.stream();
      await stopping;
      await refreshing;
      await shelf.dispose();
    } finally {
      await explanations.close();
      await engine.close();
    }
  },
});

function limitsOf(options: ServeInput, { parallelism }: Platform) {
  return {
    maxBodyBytes: Math.round(1e6 * options.maxBody),
    maxPixels: options.maxPixels,
    maxImages: options.maxImages,
    maxPending: options.maxPending,
    ratePerSecond: options.rate,
    timeoutMs: 1000 * options.timeout,
    decodeAtOnce: parallelism,
  };
}

async function readApiKey(path: string | undefined, { store }: Platform): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const key = new TextDecoder().decode(await store.read(path)).trim();
  if (key.length >= 16) return key;
  throw new GraftError("input", `"${path}" holds a key of ${key.length} characters; expected 16 at least.`);
}

/** Looks for replaced models, one look after another. */
async function refreshUntil(signal: AbortSignal, shelf: ModelShelf, events: EventQueue): Promise<void> {
  const aborted = whenAborted(signal);
  while (!signal.aborted) {
    await shelf.refresh().catch((error: unknown) => events.push({ type: "warning", text: String(error) }));
    await pause(refreshEveryMs, aborted);
  }
}

async function pause(durationMs: number, aborted: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs);
  });
  await Promise.race([over, aborted]);
  clearTimeout(timer);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
