import { parse } from "csv-parse/browser/esm/sync";
import { didYouMean, GraftError, messageOf } from "../base/errors.ts";
import type { Store } from "../platform/platform.ts";
import { type Problem, type Sample, type Source, type SplitName, splitNames } from "./source.ts";

const splitAliases: Readonly<Record<string, SplitName>> = { val: "validation", valid: "validation" };

/** A CSV file `path,label[,split][,group]`, paths relative to its folder. `groupColumn` names the column of groups. */
export async function openManifest(path: string, store: Store, groupColumn: string | undefined): Promise<Source> {
  const folder = store.join(path, "..");
  const rows = parseRows(new TextDecoder().decode(await store.read(path)), path);
  const [header = [], ...body] = rows;
  const column = (name: string) => header.findIndex((title) => title.trim().toLowerCase() === name.toLowerCase());
  const at = {
    path: column("path"),
    label: column("label"),
    split: column("split"),
    group: column(groupColumn ?? "group"),
  };
  if (at.path < 0 || at.label < 0) {
    throw new GraftError(
      "data",
      `"${path}" has the columns ${header.join(", ") || "(none)"}; expected path,label[,split][,group] in the first line.`,
    );
  }
  const labels = [...new Set(body.map((row) => row[at.label]?.trim() ?? ""))].filter((label) => label !== "").sort();
  const index = new Map(labels.map((label, i) => [label, i]));
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  body.forEach((row, i) => {
    const id = row[at.path]?.trim() ?? "";
    const label = index.get(row[at.label]?.trim() ?? "");
    const problem = problemOf(id, label, seen);
    seen.add(id);
    if (problem !== undefined || label === undefined) {
      problems.push({ id: id || `line ${i + 2}`, reason: problem ?? "has no label" });
      return;
    }
    const split = at.split < 0 ? undefined : splitOf(row[at.split] ?? "", path, i + 2);
    const group = at.group < 0 ? undefined : row[at.group];
    samples.push({ id, label, ...(split === undefined ? {} : { split }), ...(group === undefined ? {} : { group }) });
  });
  return {
    description: `manifest with ${labels.length} classes`,
    labels,
    samples,
    problems,
    async *read(ids) {
      for (const sample of samples) {
        if (!ids.has(sample.id)) continue;
        const file = store.join(folder, ...sample.id.split("/"));
        // A listed file that is missing is that sample's problem, not the run's: empty bytes say so at decoding.
        const bytes = (await store.info(file)) === undefined ? new Uint8Array(0) : await store.read(file);
        yield { sample, image: { kind: "encoded", bytes } };
      }
    },
  };
}

function problemOf(id: string, label: number | undefined, seen: ReadonlySet<string>): string | undefined {
  if (id === "") return "has no path";
  if (label === undefined) return "has no label";
  if (seen.has(id)) return "is listed twice";
  if (id.startsWith("/") || /^[a-z]:/i.test(id) || id.split(/[/\\]/).includes(".."))
    return "leaves the manifest's folder";
  return undefined;
}

function splitOf(text: string, path: string, line: number): SplitName | undefined {
  const name = text.trim().toLowerCase();
  if (name === "") return undefined;
  const split = splitNames.find((known) => known === name) ?? splitAliases[name];
  if (split !== undefined) return split;
  throw new GraftError(
    "data",
    `"${path}", line ${line}: unknown split "${text}"; expected train, validation or test.${didYouMean(name, splitNames)}`,
  );
}

function parseRows(csv: string, path: string): readonly (readonly string[])[] {
  try {
    return parse(csv, { bom: true, skip_empty_lines: true, relax_column_count: true });
  } catch (error) {
    throw new GraftError("data", `"${path}" is not a CSV file: ${messageOf(error)}.`);
  }
}
