import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { TargetColumn } from "../data/targetColumns.ts";
import type { Preparation } from "../image/prepare.ts";
import { readMetadata } from "../onnx/readMetadata.ts";
import { parseJson, readTrust, type StatedTrust } from "./statedTrust.ts";

/** What a model file calls its input; no target can be called so. */
export const imageInput = "image";

/** What a model is asked: which of some classes an image is of, or several things, each a class or a number. */
export type ModelAnswers =
  | {
      readonly kind: "classes";
      readonly labels: readonly string[];
      /** The one of them that stands for images of none of the others, where there is one. */
      readonly unknownLabel?: string | undefined;
    }
  | { readonly kind: "targets"; readonly targets: readonly TargetColumn[] };

/** What a model file says of itself. */
export interface ModelMetadata {
  readonly answers: ModelAnswers;
  readonly preparation: Preparation;
  readonly trust: StatedTrust;
}

/** Where a file tells the label of images that are of no other class. */
export const unknownLabelEntry = "graft.unknownLabel";

const labelsSchema = z.array(z.string()).min(2);
const targetsSchema = z
  .array(
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("classes"), name: z.string(), labels: labelsSchema }),
      z.object({ kind: z.literal("number"), name: z.string() }),
    ]),
  )
  .min(1);

const pixelCount = z.number().int().positive();
const preparationSchema = z.object({
  resizeTo: pixelCount,
  cropTo: pixelCount,
  interpolation: z.enum(["bilinear", "bicubic"]),
});

/** Throws `model` for a file that Graft did not write. */
export function readModelMetadata(bytes: Uint8Array, fileName: string): ModelMetadata {
  return metadataOf(readMetadata(bytes, fileName), fileName);
}

/** Throws `model` where it is not that of a file that Graft wrote. */
export function metadataOf(metadata: ReadonlyMap<string, string>, fileName: string): ModelMetadata {
  const answers = readAnswers(metadata);
  const preparation = preparationSchema.safeParse(parseJson(metadata.get("graft.preparation")));
  if (answers !== undefined && preparation.success) {
    return { answers, preparation: preparation.data, trust: readTrust(metadata) };
  }
  const lacks = answers === undefined ? "carries no labels" : "does not say how its images were prepared";
  throw new GraftError("model", `"${fileName}" ${lacks}: it is not a model that "graft train" wrote.`);
}

function readAnswers(metadata: ReadonlyMap<string, string>): ModelAnswers | undefined {
  const labels = labelsSchema.safeParse(parseJson(metadata.get("graft.labels")));
  if (labels.success) {
    const unknownLabel = labels.data.find((label) => label === metadata.get(unknownLabelEntry));
    return { kind: "classes", labels: labels.data, ...(unknownLabel === undefined ? {} : { unknownLabel }) };
  }
  const targets = targetsSchema.safeParse(parseJson(metadata.get("graft.targets")));
  return targets.success ? { kind: "targets", targets: targets.data } : undefined;
}
