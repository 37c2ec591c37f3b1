import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import { headNames } from "../transfer/strategy.ts";
import { choices, type OptionValue, type Range, shownRange } from "./searchRange.ts";
import { type Circumstances, dimensionOf, type SearchedOption, type Space, searchedOptions } from "./searchSpace.ts";
import { trainSchema } from "./trainInput.ts";

const value = z.union([z.string(), z.number()]);
const spaceSchema = z.record(z.string(), z.union([value, z.array(value)]));

/**
 * `learningRate=1e-4..1e-2,head=linear|cosine`, or the same as a JSON object: `{"learningRate": "1e-4..1e-2", "head": ["linear", "cosine"]}`.
 * Throws `usage` with the option and what was expected.
 */
export function parseSpace(text: string, circumstances: Circumstances): Space {
  const given = text.trimStart().startsWith("{") ? fromJson(text) : fromList(text);
  const ranges = new Map(Object.entries(given).map(([name, range]) => [knownName(name), range] as const));
  const space = new Map(
    searchedOptions.flatMap((name) => {
      const range = ranges.get(name);
      return range === undefined ? [] : [[name, rangeOf(name, range)] as const];
    }),
  );
  if (space.size === 0) throw new GraftError("usage", `--space: it names no option. Give one, such as ${example}.`);
  for (const name of space.keys()) checkUse(name, space, circumstances);
  return space;
}

/** The space as JSON that `parseSpace` reads. */
export function spaceText(space: Space): string {
  const entries = [...space].map(([name, range]) => [
    name,
    range.kind === "choices" ? range.values : shownRange(range),
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

type Given = z.output<typeof spaceSchema>;
const example = '"learningRate=1e-4..1e-2,head=linear|cosine"';

function fromJson(text: string): Given {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new GraftError("usage", `--space: ${text.trim()} is not JSON.`);
  }
  const parsed = spaceSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new GraftError("usage", `--space: "${where}" must be a list of values or a range such as "1e-4..1e-2".`);
}

function fromList(text: string): Given {
  const entries = text.split(",").map((part): [string, string | string[]] => {
    const at = part.indexOf("=");
    if (at < 0)
      throw new GraftError("usage", `--space: "${part.trim()}" is no option with its range, such as ${example}.`);
    const range = part.slice(at + 1).trim();
    return [part.slice(0, at).trim(), range.includes("|") ? range.split("|").map((one) => one.trim()) : range];
  });
  return Object.fromEntries(entries);
}

function knownName(name: string): SearchedOption {
  const found = searchedOptions.find((one) => one === name);
  if (found !== undefined) return found;
  const what = name in trainSchema.shape ? `"${name}" cannot be searched` : `unknown option "${name}"`;
  throw new GraftError(
    "usage",
    `--space: ${what}.${didYouMean(name, searchedOptions)} These can: ${searchedOptions.join(", ")}.`,
  );
}

function rangeOf(name: SearchedOption, given: Given[string]): Range {
  if (Array.isArray(given)) return valuesOf(name, given);
  const ends = typeof given === "string" ? /^(.+?)\.\.(.+)$/.exec(given.trim()) : null;
  if (ends === null) return valuesOf(name, [given]);
  const { scale, isWhole = false } = dimensionOf(name);
  if (scale === undefined) {
    throw new GraftError("usage", `--space: "${name}" takes single values, such as ${name}=a|b, not a range ${given}.`);
  }
  const [low, high] = [numberOf(name, ends[1]), numberOf(name, ends[2])];
  if (!(low < high))
    throw new GraftError("usage", `--space: the range of "${name}", ${given}, is empty: ${low} is not below ${high}.`);
  if (scale === "log" && low <= 0) {
    throw new GraftError(
      "usage",
      `--space: "${name}" is drawn evenly in its logarithm, so its range begins above 0, not at ${low}. A list may hold 0: ${name}=0|${high}.`,
    );
  }
  return { kind: scale, low, high, isWhole };
}

function valuesOf(name: SearchedOption, given: readonly OptionValue[]): Range {
  const values = [...new Set(given)].filter((one) => one !== "");
  if (values.length === 0)
    throw new GraftError("usage", `--space: the range of "${name}" is empty. Give values, such as ${name}=a|b.`);
  return choices(...values.map((one) => checked(name, isNumeric(name) ? numberOf(name, one) : one)));
}

function isNumeric(name: SearchedOption): boolean {
  return dimensionOf(name).scale !== undefined;
}

function numberOf(name: SearchedOption, text: OptionValue | undefined): number {
  const number = String(text).trim() === "" ? Number.NaN : Number(text);
  if (Number.isNaN(number)) throw new GraftError("usage", `--space: "${name}": found "${text}", expected a number.`);
  checked(name, number);
  return number;
}

/** By the limits of `train`. */
function checked(name: SearchedOption, given: OptionValue): OptionValue {
  const result = trainSchema.shape[name].safeParse(given);
  if (result.success) return given;
  const near = name === "head" ? didYouMean(String(given), headNames) : "";
  throw new GraftError("usage", `--space: "${name}" cannot be ${given}: ${result.error.issues[0]?.message}.${near}`);
}

/** Throws where an option is searched that would never make a difference. */
function checkUse(name: SearchedOption, space: Space, circumstances: Circumstances): void {
  const range = space.get("head");
  const searched = range?.kind === "choices" ? headNames.filter((head) => range.values.includes(head)) : [];
  const heads = searched.length > 0 ? searched : [circumstances.head];
  if (heads.some((head) => dimensionOf(name).applies({ ...circumstances, head }))) return;
  const where = circumstances.strategy === "feature-extraction" ? ` and head ${heads.join(" or ")}` : "";
  throw new GraftError(
    "usage",
    `--space: "${name}" makes no difference with strategy ${circumstances.strategy}${where}. Leave it out.`,
  );
}
