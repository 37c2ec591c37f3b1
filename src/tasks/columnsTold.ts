import type { Source } from "../data/source.ts";

const classesShown = 8;

/** How each column of several labels was read, in words. */
export function columnsTold({ targets = [], samples }: Source): readonly string[] {
  return targets.map((column, t) => {
    const values = samples.flatMap((sample) => sample.targets?.[t] ?? []);
    const missing = samples.length - values.length;
    const gaps = missing === 0 ? "" : `; ${missing} image${missing === 1 ? " has" : "s have"} no label`;
    if (column.kind === "number") return `${column.name}: numbers${rangeOf(values)}${gaps}`;
    const { labels } = column;
    const names = [...labels.slice(0, classesShown), ...(labels.length > classesShown ? ["…"] : [])].join(", ");
    return `${column.name}: ${labels.length} class${labels.length === 1 ? "" : "es"}${names === "" ? "" : ` (${names})`}${gaps}`;
  });
}

function rangeOf(values: readonly number[]): string {
  if (values.length === 0) return "";
  let [low = 0, high = 0] = [values[0], values[0]];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return ` from ${low} to ${high}`;
}
