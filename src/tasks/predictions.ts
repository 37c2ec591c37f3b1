import { parse } from "csv-parse/browser/esm/sync";
import { GraftError, messageOf } from "../base/errors.ts";
import { type ClassificationBatch, predictedClass } from "../metrics/classificationBatch.ts";

/** What a model said of one image. */
export interface Prediction {
  readonly image: string;
  readonly split: string;
  readonly label: string;
  readonly answer: string;
  /** In the order of the file's classes; NaN where the file has no number. */
  readonly probabilities: Float32Array;
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

/** A file that `encodePredictions` wrote, while it is read: its classes, then image by image. */
export interface OpenedPredictions {
  readonly labels: readonly string[];
  readonly predictions: AsyncIterable<Prediction>;
}

/** Reads predictions in the chunks in which their file comes, in memory for one chunk. Throws `input` when it is something else. */
export async function openPredictions(chunks: AsyncIterable<Uint8Array>, path: string): Promise<OpenedPredictions> {
  const rows = rowsIn(chunks, path);
  const first = await rows.next();
  const header = first.done === true ? [] : first.value;
  if (columns.some((column, i) => header[i] !== column) || header.length < columns.length + 2) {
    throw new GraftError("input", `"${path}" begins with ${header.join(",")}; expected ${columns.join(",")},p(…),….`);
  }
  const named = header.slice(columns.length, header.at(-1) === unknownColumn ? -1 : undefined);
  return {
    labels: named.map((column) => column.slice("p(".length, -1)),
    predictions: predictionsIn(rows, { width: header.length, classes: named.length, path }),
  };
}

interface FileForm {
  readonly width: number;
  readonly classes: number;
  readonly path: string;
}

async function* predictionsIn(
  rows: AsyncIterable<readonly string[]>,
  { width, classes, path }: FileForm,
): AsyncGenerator<Prediction> {
  for await (const row of rows) {
    const [image = "", split = "", label = "", answer = ""] = row;
    if (row.length !== width) {
      throw new GraftError(
        "input",
        `"${path}": the line of "${image}" has ${row.length} cells; expected ${width}. It was changed or damaged.`,
      );
    }
    const cells = row.slice(columns.length, columns.length + classes);
    const probabilities = Float32Array.from(cells, (cell) => (cell === "" ? Number.NaN : Number(cell)));
    yield { image, split, label, answer, probabilities };
  }
}

async function* rowsIn(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<readonly string[]> {
  for await (const text of wholeLines(chunks)) {
    try {
      yield* parse(text, { skip_empty_lines: true, relax_column_count: true });
    } catch (error) {
      throw new GraftError("input", `"${path}" is not CSV: ${messageOf(error)}. It was changed or damaged.`);
    }
  }
}

const quote = 0x22;
const newline = 0x0a;

/** The text in pieces that end where a line ends, outside quotes; the last as it comes. */
async function* wholeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let kept: Uint8Array[] = [];
  let isQuoted = false;
  for await (const chunk of chunks) {
    let end = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] === quote) isQuoted = !isQuoted;
      else if (chunk[at] === newline && !isQuoted) end = at + 1;
    }
    if (end > 0) {
      yield textOf([...kept, chunk.subarray(0, end)]);
      kept = [];
    }
    if (end < chunk.length) kept.push(chunk.slice(end));
  }
  if (kept.length > 0) yield textOf(kept);
}

function textOf(pieces: readonly Uint8Array[]): string {
  const bytes = new Uint8Array(pieces.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return new TextDecoder().decode(bytes);
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
