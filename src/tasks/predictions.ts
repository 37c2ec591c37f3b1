import { parse } from "csv-parse/browser/esm/sync";
import { GraftError, messageOf } from "../base/errors.ts";
import { type ClassificationBatch, predictedClass } from "../metrics/classificationBatch.ts";

/** What a model said of one image. */
export interface Prediction {
  readonly image: string;
  readonly split: string;
  readonly label: string;
  readonly answer: string;
}

/** The answers to the images of one split, in their order. */
export interface AnsweredSplit {
  readonly split: string;
  readonly images: readonly string[];
  readonly answers: ClassificationBatch;
  /** How unlike those of the training each is, where the model tells; for all splits or none. */
  readonly unknown?: ArrayLike<number> | undefined;
}

const encoder = new TextEncoder();
const columns = ["image", "split", "label", "answer"];
/** Behind the probabilities. */
const unknownColumn = "unknown";
/** Significant digits by which any float32 is known. */
const enoughDigits = 9;

/** `image,split,label,answer,p(…),…,unknown`: a line an image, with probabilities and score as the shortest text that reads back to the same float32. */
export function encodePredictions(labels: readonly string[], splits: readonly AnsweredSplit[]): Uint8Array[] {
  const hasScores = splits.some(({ unknown }) => unknown !== undefined);
  const header = [...columns, ...labels.map((label) => `p(${label})`), ...(hasScores ? [unknownColumn] : [])];
  const lines = splits.flatMap(({ split, images, answers, unknown }) =>
    images.map((image, i) => {
      const row = answers.probabilities.subarray(i * labels.length, (i + 1) * labels.length);
      const named = [image, split, labels[answers.labels[i] ?? 0] ?? "", labels[predictedClass(answers, i)] ?? ""];
      const scores = hasScores ? [shortest(unknown?.[i] ?? Number.NaN)] : [];
      return encodeLine([...named, ...Array.from(row, shortest), ...scores]);
    }),
  );
  return [encodeLine(header), ...lines];
}

/** The answers of a file that `encodePredictions` wrote, and its classes. Throws `input` when it is none. */
export function decodePredictions(
  bytes: Uint8Array,
  path: string,
): { readonly labels: readonly string[]; readonly predictions: readonly Prediction[] } {
  const [header = [], ...rows] = rowsOf(bytes, path);
  if (columns.some((column, i) => header[i] !== column) || header.length < columns.length + 2) {
    throw new GraftError("input", `"${path}" begins with ${header.join(",")}; expected ${columns.join(",")},p(…),….`);
  }
  const labels = header
    .slice(columns.length, header.at(-1) === unknownColumn ? -1 : undefined)
    .map((column) => column.slice("p(".length, -1));
  const predictions = rows.map(([image = "", split = "", label = "", answer = ""]) => ({
    image,
    split,
    label,
    answer,
  }));
  return { labels, predictions };
}

function rowsOf(bytes: Uint8Array, path: string): readonly (readonly string[])[] {
  try {
    return parse(new TextDecoder().decode(bytes), { skip_empty_lines: true });
  } catch (error) {
    throw new GraftError("input", `"${path}" is not CSV: ${messageOf(error)}. It was changed or damaged.`);
  }
}

function encodeLine(cells: readonly string[]): Uint8Array {
  return encoder.encode(`${cells.map(quoted).join(",")}\n`);
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function shortest(value: number): string {
  for (let digits = 6; digits < enoughDigits; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(enoughDigits)));
}
