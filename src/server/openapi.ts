import { methodNames } from "../explain/attribute.ts";
import { refusals } from "./httpError.ts";
import { inferenceRequestSchema } from "./inference.ts";

const code = { type: "string", enum: Object.keys(refusals) };
const text = { type: "string" };

const errorBody = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "requestId"],
      properties: { code, message: text, requestId: text },
    },
  },
};

/** As the Open Inference Protocol has it. */
const protocolErrorBody = {
  type: "object",
  required: ["error", "code", "requestId"],
  properties: { error: text, code, requestId: text },
};

const ranked = {
  type: "array",
  items: {
    type: "object",
    required: ["label", "probability"],
    properties: { label: { type: "string" }, probability: { type: "number", minimum: 0, maximum: 1 } },
  },
};

const set = {
  type: "array",
  items: { type: "string" },
  description: "holds the true class as often as was promised",
};

const target = {
  type: "object",
  required: ["name", "kind"],
  properties: {
    name: { type: "string" },
    kind: { type: "string", enum: ["classes", "number"] },
    classes: ranked,
    set,
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
          set,
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

const region = {
  type: "object",
  required: ["left", "top", "width", "height"],
  description: "the part of the image that the map lies over, in its pixels",
  properties: Object.fromEntries(["left", "top", "width", "height"].map((name) => [name, { type: "number" }])),
};

const explanation = {
  type: "object",
  required: ["model", "version", "name", "class", "probability", "method", "isEmpty", "map", "region"],
  properties: {
    model: { type: "string" },
    version: { type: "string" },
    name: { type: "string" },
    class: { type: "string" },
    probability: { type: "number", minimum: 0, maximum: 1 },
    method: { type: "string", enum: methodNames },
    layer: { type: "string" },
    isEmpty: { type: "boolean", description: "whether nothing in the image speaks for the class" },
    map: {
      type: "object",
      required: ["width", "height", "values"],
      description: "how much each cell speaks for the class, rows first",
      properties: {
        width: { type: "integer" },
        height: { type: "integer" },
        values: { type: "array", items: { type: "number" } },
      },
    },
    region,
  },
};

const file = { type: "string", format: "binary" };
const json = (schema: object) => ({ "application/json": { schema } });
const answer = (description: string, schema: object = { type: "object" }) => ({
  description,
  content: json(schema),
});
const failuresAs = (schema: string) =>
  Object.fromEntries(
    [400, 401, 404, 408, 413, 415, 422, 429, 500, 503, 504].map((status) => [
      status,
      answer(namesOf(status).join(", "), { $ref: `#/components/schemas/${schema}` }),
    ]),
  );
const failures = failuresAs("Error");
const protocolFailures = failuresAs("ProtocolError");
const get = (summary: string, failing = failures) => ({
  get: { summary, responses: { 200: answer(summary), ...failing } },
});

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
      "/explain": { post: explainOperation(models) },
      "/v2": get("The server", protocolFailures),
      "/v2/health/live": get("Whether the server runs", protocolFailures),
      "/v2/health/ready": get("Whether it takes requests", protocolFailures),
      "/v2/models/{model}": ofModel(get("A model's inputs and outputs", protocolFailures)),
      "/v2/models/{model}/ready": ofModel(get("Whether a model takes requests", protocolFailures)),
      "/v2/models/{model}/infer": ofModel({
        post: {
          summary: "Answers for images as tensors (Open Inference Protocol 2)",
          requestBody: { required: true, content: json(inferenceRequestSchema()) },
          responses: { 200: answer("Output tensors"), ...protocolFailures },
        },
      }),
      "/metrics": get("Counters and histograms in Prometheus' text format"),
      "/openapi.json": get("This document"),
    },
    components: {
      schemas: { Error: errorBody, ProtocolError: protocolErrorBody },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
      },
    },
  };
}

function predictOperation(models: readonly string[]): object {
  return {
    summary: "Labels with probabilities for image files",
    parameters: [modelQuery(models), query("top", { type: "integer", minimum: 1 }, "classes to give; default all")],
    requestBody: imagesBody({ type: "array", items: file }),
    responses: { 200: answer("One prediction for each image, in order", predictions), ...failures },
  };
}

function explainOperation(models: readonly string[]): object {
  return {
    summary: "Where a model looks in one image. One image is explained at a time, beside the predictions",
    parameters: [
      modelQuery(models),
      query("method", { type: "string", enum: methodNames, default: methodNames[0] }, "how to explain"),
      query("class", { type: "string" }, "class to explain; default what the model answers"),
      query("layer", { type: "string" }, "layer that the CAM methods look into; default the last with feature maps"),
      query("format", { type: "string", enum: ["png", "json"], default: "png" }, "a picture, or the map as numbers"),
    ],
    requestBody: imagesBody(file),
    responses: {
      200: {
        description: "What the network saw with the map over it, or the map",
        headers: {
          "x-graft-class": { schema: { type: "string" }, description: "of a PNG: the class, percent-encoded" },
          "x-graft-probability": { schema: { type: "number" }, description: "of a PNG" },
        },
        content: { "image/png": { schema: file }, ...json(explanation) },
      },
      ...failures,
    },
  };
}

function modelQuery(models: readonly string[]): object {
  return { name: "model", in: "query", required: models.length > 1, schema: { type: "string", enum: models } };
}

function query(name: string, schema: object, description: string): object {
  return { name, in: "query", schema, description };
}

/** @param image what the form's field holds */
function imagesBody(image: object): object {
  return {
    required: true,
    content: {
      "image/*": { schema: file },
      "application/octet-stream": { schema: file },
      "multipart/form-data": { schema: { type: "object", properties: { image } } },
    },
  };
}

function namesOf(status: number): readonly string[] {
  return Object.entries(refusals)
    .filter(([, value]) => value === status)
    .map(([name]) => name);
}
