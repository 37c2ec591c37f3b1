import { z } from "zod";
import { imageInput, type ModelMetadata } from "../artefact/modelMetadata.ts";
import { unknownOutput } from "../artefact/statedTrust.ts";
import { Tensor } from "../base/tensor.ts";
import type { ImageOutputs } from "../tasks/imageAnswers.ts";
import { HttpError } from "./httpError.ts";

/** The part of the Open Inference Protocol, version 2, that a model of one image input needs. */
const requestSchema = z.object({
  id: z.string().optional(),
  inputs: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.number().int().positive()),
        datatype: z.string(),
        data: z.array(z.unknown()),
      }),
    )
    .length(1),
  outputs: z.array(z.object({ name: z.string() })).optional(),
});

/** The form of a request's body, as JSON schema. */
export function inferenceRequestSchema(): object {
  return z.toJSONSchema(requestSchema);
}

export interface InferenceRequest {
  readonly id: string | undefined;
  /** uint8 [1, H, W, 3] each. */
  readonly images: readonly Tensor[];
  /** The outputs that are wanted; all without a word on it. */
  readonly wanted: ReadonlySet<string> | undefined;
}

/** What is to be known of a model. */
export type AnsweringModel = Pick<ModelMetadata, "answers" | "trust">;

export interface InferenceLimits {
  readonly maxImages: number;
  readonly maxPixels: number;
}

/** Reads the body of an inference request. Throws `badRequest`, `unusable` for values that are no bytes, `tooLarge`. */
export function readInference(body: Uint8Array, model: AnsweringModel, limits: InferenceLimits): InferenceRequest {
  const parsed = requestSchema.safeParse(parseJson(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new HttpError("badRequest", `"${issue?.path.join(".")}": ${issue?.message}. See /openapi.json for the form.`);
  }
  const { id, inputs, outputs } = parsed.data;
  const [given] = inputs;
  if (given === undefined) throw new HttpError("badRequest", `expected the one input "${imageInput}".`);
  const { name, shape, datatype, data } = given;
  if (name !== imageInput) throw new HttpError("badRequest", `found the input "${name}"; expected "${imageInput}".`);
  if (datatype !== "UINT8") throw new HttpError("badRequest", `"${name}": found ${datatype}; expected UINT8.`);
  const wanted = outputs && new Set(outputs.map((output) => output.name));
  for (const output of wanted ?? []) checkOutput(output, model);
  return { id, images: imagesOf(shape, data, limits), wanted };
}

/** The names of what a model gives, and the shape of that for one image. */
export function outputsOf({
  answers,
  trust,
}: AnsweringModel): readonly { readonly name: string; readonly shape: readonly number[] }[] {
  if (answers.kind === "classes") {
    const probabilities = { name: "probabilities", shape: [answers.labels.length] };
    return trust.unknown === undefined ? [probabilities] : [probabilities, { name: unknownOutput, shape: [] }];
  }
  return answers.targets.map((target) => ({
    name: target.name,
    shape: [target.kind === "classes" ? target.labels.length : 1],
  }));
}

/** What a model says of some images, as tensors of the protocol. */
export function inferenceOutputs(
  rows: readonly ImageOutputs[],
  model: AnsweringModel,
  wanted: ReadonlySet<string> | undefined,
): readonly object[] {
  return outputsOf(model)
    .filter(({ name }) => wanted?.has(name) ?? true)
    .map(({ name, shape }) => ({
      name,
      datatype: "FP32",
      shape: [rows.length, ...shape],
      data: rows.flatMap((row) => [...(row.get(name) ?? [])]),
    }));
}

function checkOutput(name: string, model: AnsweringModel): void {
  const known = outputsOf(model).map((output) => output.name);
  if (known.includes(name)) return;
  throw new HttpError("badRequest", `the model has no output "${name}"; it has ${known.join(", ")}.`);
}

function imagesOf(
  shape: readonly number[],
  data: readonly unknown[],
  { maxImages, maxPixels }: InferenceLimits,
): readonly Tensor[] {
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 4 || channels !== 3) {
    throw new HttpError("badRequest", `"${imageInput}": found the shape [${shape}]; expected [N, H, W, 3].`);
  }
  if (count > maxImages) throw new HttpError("tooLarge", `${count} images; the limit (--max-images) is ${maxImages}.`);
  if (height * width > maxPixels) {
    throw new HttpError("tooLarge", `${width}×${height} pixels, over the limit (--max-pixels) of ${maxPixels}.`);
  }
  const values = bytesOf(data, count * height * width * 3);
  const size = height * width * 3;
  return Array.from({ length: count }, (_, i) =>
    Tensor.of("uint8", [1, height, width, 3], values.slice(i * size, (i + 1) * size)),
  );
}

/** The numbers of an array of any nesting. */
function bytesOf(data: readonly unknown[], expected: number): Uint8Array {
  const flat = data.some(Array.isArray) ? data.flat(3) : data;
  if (flat.length !== expected) {
    throw new HttpError("badRequest", `"data": found ${flat.length} values; the shape asks for ${expected}.`);
  }
  const bytes = new Uint8Array(expected);
  for (const [i, value] of flat.entries()) {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 255) {
      throw new HttpError("unusable", `"data": value ${i} is ${JSON.stringify(value)}; expected 0 to 255.`);
    }
    bytes[i] = value;
  }
  return bytes;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new HttpError("badRequest", "the body is not JSON in UTF-8, or is cut short.");
  }
}
