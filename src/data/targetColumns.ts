import { didYouMean, GraftError } from "../base/errors.ts";

/** A column of a manifest that a model of several tasks learns: names of classes, or numbers. */
export type TargetColumn =
  | { readonly kind: "classes"; readonly name: string; readonly labels: readonly string[] }
  | { readonly kind: "number"; readonly name: string };

/** A column that is asked for. */
export interface TargetWish {
  readonly name: string;
  /** Without, the cells decide: only numbers, with a fraction or more than ten different ones, are numbers; all else are classes. */
  readonly kind?: TargetColumn["kind"] | undefined;
  /** Passed over where the manifest lacks it, if it has another one that is asked for. */
  readonly isOptional?: boolean;
}

/** What a sample is in one column: the index of its class, or its number; nothing where the cell is empty. */
export type TargetValue = number | undefined;

/** A line of the manifest's body, and where it ends in the file. */
export interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

/** One column that was read. */
export interface ReadColumn {
  readonly column: TargetColumn;
  /** One a row. */
  readonly values: readonly TargetValue[];
}

/** Columns with another meaning. */
const reserved = ["path", "split"];
/** Up to so many different whole numbers are the names of classes. */
const mostNumberedClasses = 10;
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads the columns that are asked for.
 *
 * @throws `data` when one is unknown, asked for twice or reserved, or when a cell of a column of numbers is no finite number
 */
export function readTargets(
  header: readonly string[],
  rows: readonly Row[],
  wishes: readonly TargetWish[],
  path: string,
): readonly ReadColumn[] {
  const titles = header.map((title) => title.trim());
  const seen = new Set<number>();
  const present = wishes.filter(({ name, isOptional }) => isOptional !== true || placeOf(titles, name) >= 0);
  return (present.length === 0 ? wishes : present).map(({ name, kind }) => {
    const at = columnAt(titles, name, path);
    if (seen.has(at)) throw new GraftError("data", `the target "${name}" is listed twice. Name each column once.`);
    seen.add(at);
    const title = titles[at] ?? name;
    const cells = rows.map(({ cells, line }) => ({ text: cells[at]?.trim() ?? "", line }));
    return (kind ?? kindOf(cells, title, path)) === "number"
      ? { column: { kind: "number", name: title }, values: cells.map((cell) => numberIn(cell, title, path)) }
      : classesIn(cells, title);
  });
}

/** Written alike, or else alike but for capitals; −1 where there is none. */
function placeOf(titles: readonly string[], name: string): number {
  const exact = titles.indexOf(name);
  return exact >= 0 ? exact : titles.findIndex((title) => title.toLowerCase() === name.toLowerCase());
}

function columnAt(titles: readonly string[], name: string, path: string): number {
  const at = placeOf(titles, name);
  const others = titles.filter((title) => !reserved.includes(title.toLowerCase()));
  if (at < 0) {
    throw new GraftError(
      "data",
      `"${path}" has no column "${name}"; it has ${others.join(", ") || "none that could be learned"}.${didYouMean(name, others)}`,
    );
  }
  if (others.includes(titles[at] ?? "")) return at;
  throw new GraftError(
    "data",
    `the column "${name}" of "${path}" says where images are or belong; it cannot be learned.`,
  );
}

interface Cell {
  readonly text: string;
  readonly line: number;
}

function kindOf(cells: readonly Cell[], name: string, path: string): TargetColumn["kind"] {
  const filled = cells.filter(({ text }) => text !== "");
  const numbers = filled.filter(({ text }) => decimal.test(text));
  const different = new Set(numbers.map(({ text }) => Number(text)));
  const isMeasured = different.size > mostNumberedClasses || [...different].some((value) => !Number.isInteger(value));
  if (!isMeasured || 2 * numbers.length <= filled.length) return "classes";
  const odd = filled.find(({ text }) => !decimal.test(text));
  if (odd === undefined) return "number";
  throw new GraftError(
    "data",
    `"${path}", line ${odd.line}: "${odd.text}" in the column "${name}" is not a number, as ${numbers.length} other cells are. ` +
      `Leave the cell empty where the label is missing, or say what the column holds: "${name}:classes".`,
  );
}

function numberIn({ text, line }: Cell, name: string, path: string): TargetValue {
  if (text === "") return undefined;
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(Math.fround(value))) return value;
  throw new GraftError(
    "data",
    `"${path}", line ${line}: "${text}" in the column "${name}" is not a finite number; expected one such as 12.5. ` +
      "Leave the cell empty where the label is missing.",
  );
}

function classesIn(cells: readonly Cell[], name: string): ReadColumn {
  const labels = [...new Set(cells.map(({ text }) => text))].filter((text) => text !== "").sort();
  const index = new Map(labels.map((label, i) => [label, i]));
  return { column: { kind: "classes", name, labels }, values: cells.map(({ text }) => index.get(text)) };
}
