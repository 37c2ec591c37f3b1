import { didYouMean, GraftError } from "../base/errors.ts";
import type { TargetWish } from "../data/targetColumns.ts";

/** One target as the option names it. */
export interface TargetOption extends TargetWish {
  /** What its loss counts against the others'; 1 when the option says nothing. */
  readonly weight: number | undefined;
}

const kinds = ["classes", "number"] as const;
const form = '"kind,weight_g:number*0.5,grade:classes"';

/** `kind,weight_g:number*0.5`: names of columns, what they hold, and their weights. Throws `usage` for any other form. */
export function parseTargets(text: string): readonly TargetOption[] {
  const options = text.split(",").map((part) => parseTarget(part.trim()));
  for (const [i, { name }] of options.entries()) {
    if (options.findIndex((other) => other.name === name) === i) continue;
    throw new GraftError("usage", `--targets: "${name}" is listed twice. Name each column once.`);
  }
  return options;
}

function parseTarget(text: string): TargetOption {
  const [, name = "", kindText, weightText] = /^([^:*]*)(?::([^*]*))?(?:\*(.*))?$/.exec(text) ?? [];
  if (name.trim() === "") {
    throw new GraftError("usage", `--targets: found "${text}"; expected names of columns, such as ${form}.`);
  }
  return { name: name.trim(), kind: kindOf(kindText?.trim(), text), weight: weightOf(weightText?.trim(), text) };
}

function kindOf(text: string | undefined, target: string): TargetOption["kind"] {
  if (text === undefined) return undefined;
  const kind = kinds.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new GraftError(
    "usage",
    `--targets: "${target}": a column holds ${kinds.join(" or ")}, not "${text}".${didYouMean(text, kinds)}`,
  );
}

function weightOf(text: string | undefined, target: string): number | undefined {
  if (text === undefined) return undefined;
  const weight = text === "" ? Number.NaN : Number(text);
  if (weight > 0 && Number.isFinite(weight)) return weight;
  throw new GraftError("usage", `--targets: "${target}": the weight must be a number above 0, such as *0.5.`);
}
