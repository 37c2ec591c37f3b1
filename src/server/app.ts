import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import { classificationOf, targetAnswers } from "../tasks/imageAnswers.ts";
import { answerImages } from "./answerImages.ts";
import { checkApiKey } from "./apiKey.ts";
import { Deadline } from "./deadline.ts";
import { type Explanations, explanationWishes } from "./explanations.ts";
import { HttpError, httpErrorOf } from "./httpError.ts";
import { inferenceOutputs, outputsOf, readInference } from "./inference.ts";
import type { ServerMetrics } from "./metrics.ts";
import type { ModelShelf } from "./modelShelf.ts";
import { openApiDocument } from "./openapi.ts";
import { RateLimit } from "./rateLimit.ts";
import { readBody } from "./readBody.ts";
import { Turns } from "./turns.ts";
import { type UploadedImage, uploadedImages } from "./uploadedImages.ts";

export interface Limits {
  readonly maxBodyBytes: number;
  readonly maxPixels: number;
  readonly maxImages: number;
  /** Requests with images under way; one more is refused. */
  readonly maxPending: number;
  /** Requests a second of one client; 0 for no limit. */
  readonly ratePerSecond: number;
  readonly timeoutMs: number;
  /** Images that are decoded at once. */
  readonly decodeAtOnce: number;
}

export type LogRecord = Readonly<Record<string, string | number>>;

export interface AppParts {
  readonly shelf: ModelShelf;
  readonly explanations: Explanations;
  readonly metrics: ServerMetrics;
  readonly limits: Limits;
  readonly apiKey: string | undefined;
  readonly version: string;
  log(record: LogRecord): void;
  /** Whether requests are still taken. */
  isOpen(): boolean;
}

interface Environment {
  // Missing where the app is called without a socket.
  readonly Bindings: { readonly incoming?: { readonly socket: { readonly remoteAddress?: string | undefined } } };
  readonly Variables: { requestId: string; deadline: Deadline; isRead: boolean; note: Record<string, string | number> };
}

type Asked = Context<Environment>;

/** Routes that need no key, so that orchestrators can ask for the server's health. */
const openRoutes = new Set(["/v2/health/live", "/v2/health/ready"]);

/** The server as a function from request to response. */
export function createApp(parts: AppParts): Hono<Environment> {
  const { shelf, limits, apiKey } = parts;
  const app = new Hono<Environment>();
  const rate = new RateLimit(limits.ratePerSecond);
  const pending = { count: 0 };
  app.use(async (context, next) => {
    const startMs = performance.now();
    context.set("requestId", requestIdOf(context.req.header("x-request-id")));
    context.set("deadline", new Deadline(limits.timeoutMs));
    context.set("note", {});
    context.set("isRead", context.req.raw.body === null);
    context.header("x-request-id", context.get("requestId"));
    await next();
    if (!parts.isOpen()) context.header("connection", "close");
    conclude(context, performance.now() - startMs, parts);
  });
  app.use(async (context, next) => {
    if (openRoutes.has(context.req.path)) return next();
    checkApiKey(context.req.raw.headers, apiKey);
    rate.take(context.env.incoming?.socket.remoteAddress ?? "", performance.now());
    return next();
  });
  app.onError((error, context) => refuse(error, context));
  app.notFound((context) =>
    refuse(
      new HttpError("notFound", `nothing at ${context.req.method} ${context.req.path}; see /openapi.json.`),
      context,
    ),
  );
  addTelling(app, parts, pending);
  const turns = new Turns(limits.decodeAtOnce);
  app.post("/predict", (context) => admitted(pending, parts, () => predict(context, parts, turns)));
  app.post("/v2/models/:model/infer", (context) => admitted(pending, parts, () => infer(context, parts, turns)));
  app.post("/explain", (context) => admitted(pending, parts, () => explain(context, parts)));
  for (const path of ["/predict", "/v2/models/:model/infer", "/explain"]) {
    app.all(path, () => {
      throw new HttpError("methodNotAllowed", "expected POST.");
    });
  }
  app.get("/openapi.json", (context) => context.json(openApiDocument(shelf.names, apiKey !== undefined)));
  return app;
}

/** What the server says of itself and its models. */
function addTelling(app: Hono<Environment>, parts: AppParts, pending: { readonly count: number }): void {
  const { shelf, metrics, version } = parts;
  app.get("/v2", (context) => context.json({ name: "graft", version, extensions: [] }));
  app.get("/v2/health/live", (context) => context.json({ live: true }));
  app.get("/v2/health/ready", (context) => {
    if (!parts.isOpen()) throw closing();
    return context.json({ ready: true });
  });
  app.get("/v2/models/:model/ready", (context) =>
    context.json({ name: shelf.get(context.req.param("model")).name, ready: true }),
  );
  app.get("/v2/models/:model", (context) => {
    const live = shelf.get(context.req.param("model"));
    return live.use(async (model) =>
      context.json({
        name: live.name,
        versions: [String(live.versionNumber)],
        platform: "onnxruntime_onnx",
        inputs: [{ name: "image", datatype: "UINT8", shape: [-1, -1, -1, 3] }],
        outputs: outputsOf(model).map(({ name, shape }) => ({ name, datatype: "FP32", shape: [-1, ...shape] })),
        parameters: { answers: JSON.stringify(model.answers) },
      }),
    );
  });
  app.get("/metrics", (context) =>
    context.text(
      metrics.text({
        graft_pending_requests: { help: "Requests with images under way.", value: pending.count },
        process_resident_memory_bytes: { help: "Resident memory.", value: process.memoryUsage.rss() },
      }),
      200,
      { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    ),
  );
}

async function predict(context: Asked, { shelf, limits, metrics }: AppParts, turns: Turns): Promise<Response> {
  const live = shelf.get(context.req.query("model"));
  const top = topOf(context.req.query("top"));
  const deadline = context.get("deadline");
  const body = await readBody(context.req.raw, limits.maxBodyBytes, deadline);
  context.set("isRead", true);
  const files = await uploadedImages(body, context.req.header("content-type") ?? null, limits.maxImages);
  Object.assign(context.get("note"), { model: live.name, images: files.length });
  const images = files.map(({ name, bytes }) => ({
    name,
    prepare: (model: Parameters<Parameters<typeof live.use>[0]>[0]) => model.prepare(bytes, limits.maxPixels),
  }));
  const { model, version, rows } = await answerImages(live, images, { turns, deadline });
  metrics.images(live.name, rows.length);
  const predictions = rows.map((row, i) => {
    const name = files[i]?.name ?? "image";
    const { answers, trust } = model;
    if (answers.kind === "targets") return { name, targets: targetAnswers(model, row, top) };
    return { name, ...classificationOf({ labels: answers.labels, trust }, row, top) };
  });
  return context.json({ model: live.name, version: String(version), predictions });
}

async function explain(context: Asked, { shelf, explanations, limits }: AppParts): Promise<Response> {
  const live = shelf.get(context.req.query("model"));
  const wishes = explanationWishes((name) => context.req.query(name));
  const format = formatOf(context.req.query("format"));
  const [image, deadline] = [await onlyImage(context, limits), context.get("deadline")];
  Object.assign(context.get("note"), { model: live.name, method: wishes.method });
  const options = { deadline, maxPixels: limits.maxPixels };
  const { picture, version, ...told } = await explanations.explain(live, image.bytes, wishes, options);
  if (format === "json") return context.json({ model: live.name, version: String(version), name: image.name, ...told });
  return context.body(new Uint8Array(await picture()), 200, {
    "content-type": "image/png",
    // A header holds ASCII.
    "x-graft-class": encodeURIComponent(told.class),
    "x-graft-probability": String(told.probability),
  });
}

/** The image of a request that takes one. */
async function onlyImage(context: Asked, { maxBodyBytes }: Limits): Promise<UploadedImage> {
  const body = await readBody(context.req.raw, maxBodyBytes, context.get("deadline"));
  context.set("isRead", true);
  const images = await uploadedImages(body, context.req.header("content-type") ?? null, Number.POSITIVE_INFINITY);
  const [image] = images;
  if (image !== undefined && images.length === 1) return image;
  throw new HttpError("badRequest", `the form holds ${images.length} images; expected one.`);
}

async function infer(context: Asked, { shelf, limits, metrics }: AppParts, turns: Turns): Promise<Response> {
  const live = shelf.get(context.req.param("model"));
  const deadline = context.get("deadline");
  const body = await readBody(context.req.raw, limits.maxBodyBytes, deadline);
  context.set("isRead", true);
  const { id, images, wanted } = await live.use(async (model) => readInference(body, model, limits));
  Object.assign(context.get("note"), { model: live.name, images: images.length });
  const requested = images.map((image, i) => ({
    name: `image ${i}`,
    prepare: (model: Parameters<Parameters<typeof live.use>[0]>[0]) => model.prepareTensor(image),
  }));
  const { model, version, rows } = await answerImages(live, requested, { turns, deadline });
  metrics.images(live.name, rows.length);
  return context.json({
    model_name: live.name,
    model_version: String(version),
    ...(id === undefined ? {} : { id }),
    outputs: inferenceOutputs(rows, model, wanted),
  });
}

/** Runs `work` unless there is too much under way. */
async function admitted(
  pending: { count: number },
  { limits, isOpen }: AppParts,
  work: () => Promise<Response>,
): Promise<Response> {
  if (!isOpen()) throw closing();
  if (pending.count >= limits.maxPending) {
    const text = `${pending.count} requests are under way, the limit (--max-pending); try again.`;
    throw new HttpError("busy", text, { retryAfterSeconds: 1 });
  }
  pending.count++;
  try {
    return await work();
  } finally {
    pending.count--;
  }
}

function closing(): HttpError {
  return new HttpError("busy", "the server is stopping.", { retryAfterSeconds: 5 });
}

function formatOf(text = "png"): "png" | "json" {
  if (text === "png" || text === "json") return text;
  throw new HttpError("badRequest", `"format": found "${text}"; expected png or json.`);
}

function topOf(text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,5}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new HttpError("badRequest", `"top": found "${text}"; expected a whole number ≥ 1.`);
}

function requestIdOf(given: string | undefined): string {
  return given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

function refuse(thrown: unknown, context: Asked): Response {
  const error = httpErrorOf(thrown);
  const { code, message, status, retryAfterSeconds } = error;
  const requestId = context.get("requestId");
  const note = context.get("note");
  Object.assign(note, { error: code, message });
  if (code === "defect" && thrown instanceof Error) Object.assign(note, { stack: thrown.stack ?? thrown.message });
  const headers = {
    "content-type": "application/json",
    "x-request-id": requestId,
    // What of the body is still to come would be taken for the next request.
    ...(context.get("isRead") ? {} : { connection: "close" }),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
  };
  // The Open Inference Protocol wants a sentence there, and leaves room beside it.
  const isProtocol = context.req.path.startsWith("/v2");
  const body = isProtocol ? { error: message, code, requestId } : { error: { code, message, requestId } };
  return new Response(JSON.stringify(body), { status, headers });
}

function conclude(context: Asked, durationMs: number, { metrics, log }: AppParts): void {
  const { status } = context.res;
  const route = routeOf(context.req.path);
  metrics.request(route, status, durationMs / 1000);
  log({
    time: new Date().toISOString(),
    level: status >= 500 ? "error" : "info",
    requestId: context.get("requestId"),
    method: context.req.method,
    path: context.req.path,
    status,
    durationMs: Math.round(10 * durationMs) / 10,
    ...context.get("note"),
  });
}

const plainRoutes = new Set(["/predict", "/explain", "/v2", ...openRoutes, "/metrics", "/openapi.json"]);

/** The pattern, not what a client wrote: the labels of a metric must stay few. */
function routeOf(path: string): string {
  if (plainRoutes.has(path)) return path;
  const [, action] = /^\/v2\/models\/[^/]+(\/ready|\/infer)?$/.exec(path) ?? [];
  return path.startsWith("/v2/models/") && (action !== undefined || !path.slice(11).includes("/"))
    ? `/v2/models/:model${action ?? ""}`
    : "unknown";
}
