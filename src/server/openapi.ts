import { refusals } from "./httpError.ts";
import { inferenceRequestSchema } from "./inference.ts";

const errorBody = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "requestId"],
      properties: {
        code: { type: "string", enum: Object.keys(refusals) },
        message: { type: "string" },
        requestId: { type: "string" },
      },
    },
  },
};

const ranked = {
  type: "array",
  items: {
    type: "object",
    required: ["label", "probability"],
    properties: { label: { type: "string" }, probability: { type: "number", minimum: 0, maximum: 1 } },
  },
};

const target = {
  type: "object",
  required: ["name", "kind"],
  properties: {
    name: { type: "string" },
    kind: { type: "string", enum: ["classes", "number"] },
    classes: ranked,
    value: { type: "number" },
  },
};

const predictions = {
  type: "object",
  required: ["model", "version", "predictions"],
  properties: {
    model: { type: "string" },
    version: { type: "string" },
    predictions: {
      type: "array",
      items: {
        type: "object",
        required: ["name"],
        properties: {
          name: { type: "string" },
          classes: ranked,
          set: {
            type: "array",
            items: { type: "string" },
            description: "holds the true class as often as was promised",
          },
          unknown: {
            type: "object",
            required: ["score", "isUnknown"],
            description: "how unlike the training's images it is",
            properties: { score: { type: "number" }, isUnknown: { type: "boolean" } },
          },
          targets: { type: "array", items: target },
        },
      },
    },
  },
};

const file = { type: "string", format: "binary" };
const json = (schema: object) => ({ "application/json": { schema } });
const answer = (description: string, schema: object = { type: "object" }) => ({
  description,
  content: json(schema),
});
const failures = Object.fromEntries(
  [400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504].map((status) => [
    status,
    answer(namesOf(status).join(", "), { $ref: "#/components/schemas/Error" }),
  ]),
);
const get = (summary: string) => ({ get: { summary, responses: { 200: answer(summary), ...failures } } });

/** The document of the server's routes, in OpenAPI 3.1. */
export function openApiDocument(models: readonly string[], needsKey: boolean): object {
  const model = { name: "model", in: "path", required: true, schema: { type: "string", enum: models } };
  const ofModel = (operations: object) => ({ parameters: [model], ...operations });
  return {
    openapi: "3.1.0",
    info: { title: "Graft", version: "1", description: "Image classifiers served by `graft serve`." },
    ...(needsKey ? { security: [{ bearer: [] }, { apiKey: [] }] } : {}),
    paths: {
      "/predict": { post: predictOperation(models) },
      "/v2": get("The server"),
      "/v2/health/live": get("Whether the server runs"),
      "/v2/health/ready": get("Whether it takes requests"),
      "/v2/models/{model}": ofModel(get("A model's inputs and outputs")),
      "/v2/models/{model}/ready": ofModel(get("Whether a model takes requests")),
      "/v2/models/{model}/infer": ofModel({
        post: {
          summary: "Answers for images as tensors (Open Inference Protocol 2)",
          requestBody: { required: true, content: json(inferenceRequestSchema()) },
          responses: { 200: answer("Output tensors"), ...failures },
        },
      }),
      "/metrics": get("Counters and histograms in Prometheus' text format"),
      "/openapi.json": get("This document"),
    },
    components: {
      schemas: { Error: errorBody },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
      },
    },
  };
}

function predictOperation(models: readonly string[]): object {
  const form = { type: "object", properties: { image: { type: "array", items: file } } };
  return {
    summary: "Labels with probabilities for image files",
    parameters: [
      { name: "model", in: "query", required: models.length > 1, schema: { type: "string", enum: models } },
      {
        name: "top",
        in: "query",
        schema: { type: "integer", minimum: 1 },
        description: "classes to give; default all",
      },
    ],
    requestBody: {
      required: true,
      content: {
        "image/*": { schema: file },
        "application/octet-stream": { schema: file },
        "multipart/form-data": { schema: form },
      },
    },
    responses: { 200: answer("One prediction for each image, in order", predictions), ...failures },
  };
}

function namesOf(status: number): readonly string[] {
  return Object.entries(refusals)
    .filter(([, value]) => value === status)
    .map(([name]) => name);
}
