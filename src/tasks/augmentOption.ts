import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import { type Augmentation, augmentationSchema } from "../image/augmentation.ts";

/** `horizontalFlip,rotationRange=15,zoomRange=0.8:1.2` or a JSON object, in the names of Keras' `ImageDataGenerator`; `none`. */
export function parseAugmentation(text: string): Augmentation {
  if (text === "none" || text === "") return augmentationSchema.parse({});
  const given = text.trimStart().startsWith("{") ? fromJson(text) : fromList(text);
  const result = augmentationSchema.safeParse(given);
  if (result.success && result.data.rescale !== undefined) {
    throw new GraftError(
      "usage",
      '--augment: "rescale" would change training images alone; the model scales its pixels itself. Leave it out.',
    );
  }
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    throw new GraftError(
      "usage",
      `--augment: unknown parameter "${key}".${didYouMean(key, Object.keys(augmentationSchema.shape))}`,
    );
  }
  throw new GraftError("usage", `--augment: ${issue?.path.join(".")}: ${issue?.message}.`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GraftError("usage", `--augment: ${text} is not JSON.`);
  }
}

function fromList(text: string): Record<string, unknown> {
  const entries = text.split(",").map((part): [string, unknown] => {
    const [name = "", value] = part.split("=", 2);
    return [name.trim(), value === undefined ? true : parseValue(value.trim())];
  });
  return Object.fromEntries(entries);
}

const numeric = z.coerce.number();

function parseValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  if (text.includes(":")) return text.split(":").map(Number);
  const parsed = numeric.safeParse(text);
  return parsed.success ? parsed.data : text;
}
