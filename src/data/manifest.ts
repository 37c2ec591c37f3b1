import { parse } from "csv-parse/browser/esm/sync";
import { z } from "zod";
import { didYouMean, GraftError, messageOf } from "../base/errors.ts";
import type { Store } from "../platform/platform.ts";
import { type Problem, type Sample, type Source, type SplitName, splitNames } from "./source.ts";
import { type Row, readTargets, type TargetColumn, type TargetValue, type TargetWish } from "./targetColumns.ts";

const splitAliases: Readonly<Record<string, SplitName>> = { val: "validation", valid: "validation" };

export interface ManifestOptions {
  /** The column of groups. Default: `group` */
  readonly group?: string | undefined;
  /** The columns to learn, in the place of `label`. */
  readonly targets?: readonly TargetWish[] | undefined;
}

/** A CSV file `path,label[,split][,group]`, or with columns of several labels; paths relative to its folder. */
export async function openManifest(
  path: string,
  store: Store,
  { group: groupColumn = "group", targets }: ManifestOptions,
): Promise<Source> {
  const folder = store.join(path, "..");
  const [header = { cells: [], line: 0 }, ...body] = parseRows(new TextDecoder().decode(await store.read(path)), path);
  const column = (name: string) => header.cells.findIndex((title) => title.trim().toLowerCase() === name.toLowerCase());
  const at = { path: column("path"), split: column("split"), group: column(groupColumn) };
  const taught = targets === undefined ? singleLabel(header, body, path) : severalLabels(header, body, targets, path);
  if (at.path < 0 || taught === undefined) {
    const expected = targets === undefined ? "path,label[,split][,group]" : "a column of paths called path";
    const found = header.cells.join(", ") || "(none)";
    throw new GraftError("data", `"${path}" has the columns ${found}; expected ${expected} in the first line.`);
  }
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  body.forEach(({ cells, line }, i) => {
    const id = cells[at.path]?.trim() ?? "";
    const label = taught.labelOf(i);
    const problem = problemOf(id, label, seen);
    seen.add(id);
    if (problem !== undefined || label === undefined) {
      problems.push({ id: id || `line ${line}`, reason: problem ?? "has no label" });
      return;
    }
    const split = at.split < 0 ? undefined : splitOf(cells[at.split] ?? "", path, line);
    const group = at.group < 0 ? undefined : cells[at.group];
    samples.push({
      id,
      ...label,
      ...(split === undefined ? {} : { split }),
      ...(group === undefined ? {} : { group }),
    });
  });
  const [first] = problems;
  if (samples.length === 0 && first !== undefined) {
    throw new GraftError(
      "data",
      `"${path}": none of its ${problems.length} rows can be used; "${first.id}" ${first.reason}. Paths are relative to the file's folder.`,
    );
  }
  return {
    description: taught.description,
    labels: taught.labels,
    ...(taught.targets === undefined ? {} : { targets: taught.targets }),
    samples,
    folder,
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

/** What the manifest teaches, and what it says of each row; nothing of a row without any label. */
interface Taught {
  readonly description: string;
  readonly labels: readonly string[];
  readonly targets?: readonly TargetColumn[];
  labelOf(row: number): Pick<Sample, "label" | "targets"> | undefined;
}

function singleLabel(header: Row, body: readonly Row[], path: string): Taught | undefined {
  const at = header.cells.findIndex((title) => title.trim().toLowerCase() === "label");
  if (at < 0) return undefined;
  const wish = { name: header.cells[at]?.trim() ?? "", kind: "classes" } as const;
  const [read] = readTargets(header.cells, body, [wish], path);
  const labels = read?.column.kind === "classes" ? read.column.labels : [];
  return {
    description: `manifest with ${labels.length} classes`,
    labels,
    labelOf(row) {
      const label = read?.values[row];
      return label === undefined ? undefined : { label };
    },
  };
}

function severalLabels(header: Row, body: readonly Row[], wishes: readonly TargetWish[], path: string): Taught {
  const read = readTargets(header.cells, body, wishes, path);
  const first = read.findIndex(({ column }) => column.kind === "classes");
  const column = read[first]?.column;
  return {
    description: `manifest with ${read.length} target${read.length === 1 ? "" : "s"}`,
    labels: column?.kind === "classes" ? column.labels : [],
    targets: read.map((each) => each.column),
    labelOf(row) {
      const targets = read.map(({ values }): TargetValue => values[row]);
      if (targets.every((value) => value === undefined)) return undefined;
      return { label: targets[first] ?? -1, targets };
    },
  };
}

function problemOf(id: string, label: object | undefined, seen: ReadonlySet<string>): string | undefined {
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

const recordsSchema = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));

function parseRows(csv: string, path: string): readonly Row[] {
  try {
    const parsed: unknown = parse(csv, { bom: true, skip_empty_lines: true, relax_column_count: true, info: true });
    return recordsSchema.parse(parsed).map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    throw new GraftError("data", `"${path}" is not a CSV file: ${messageOf(error)}.`);
  }
}
