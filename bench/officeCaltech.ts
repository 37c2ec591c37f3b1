import { join } from "node:path";
import { bda } from "../src/adapt/bda.ts";
import { coral } from "../src/adapt/coral.ts";
import { type Adaptation, applyMap } from "../src/adapt/domainMap.ts";
import type { LabelledDomains } from "../src/adapt/domains.ts";
import { geodesicFlow } from "../src/adapt/geodesicFlow.ts";
import { jda } from "../src/adapt/jda.ts";
import { nearestLabels } from "../src/adapt/nearestLabels.ts";
import { optimalTransport } from "../src/adapt/optimalTransport.ts";
import { semiSupervisedTca } from "../src/adapt/semiSupervisedTca.ts";
import { subspaceAlignment } from "../src/adapt/subspaceAlignment.ts";
import { tca } from "../src/adapt/tca.ts";
import type { Compute } from "../src/algebra/compute.ts";
import { unitRows } from "../src/algebra/matrix.ts";
import type { Rows } from "../src/base/rows.ts";
import { readMatFile } from "./matFile.ts";

const files = { C: "caltech10", A: "amazon", W: "webcam", D: "dslr" } as const;
export type Domain = keyof typeof files;
export type Pair = readonly [source: Domain, target: Domain];

/** All pairs, in the order of the published tables. */
export const pairs: readonly Pair[] = [
  ["C", "A"],
  ["C", "W"],
  ["C", "D"],
  ["A", "C"],
  ["A", "W"],
  ["A", "D"],
  ["W", "C"],
  ["W", "A"],
  ["W", "D"],
  ["D", "C"],
  ["D", "A"],
  ["D", "W"],
];

/** How a method sees the rows, before and after: as they are, or at length one. */
interface Protocol {
  readonly fit: (domains: LabelledDomains, compute: Compute) => Promise<Adaptation>;
  readonly unitBefore?: boolean;
  readonly unitAfter?: boolean;
}

const dimensions = 20;

/** Components are found from rows of length one, and compared by their angle, as in the code of JDA's authors. */
const components = (fit: Protocol["fit"]): Protocol => ({ fit, unitBefore: true, unitAfter: true });

export const methods: Readonly<Record<string, Protocol>> = {
  none: { fit: async ({ source }) => withoutChange(source.width) },
  TCA: components((domains, compute) => tca(domains, { dimensions }, compute)),
  "TCA, projection": components((domains, compute) => tca(domains, { dimensions, penalty: "projection" }, compute)),
  SSTCA: components((domains, compute) => semiSupervisedTca(domains, { dimensions }, compute)),
  JDA: components((domains, compute) => jda(domains, { dimensions }, compute)),
  BDA: components((domains, compute) => bda(domains, { dimensions }, compute)),
  SA: { fit: (domains, compute) => subspaceAlignment(domains, { dimensions }, compute) },
  "GFK, 10 dimensions": { fit: (domains, compute) => geodesicFlow(domains, { dimensions: 10 }, compute) },
  GFK: { fit: (domains, compute) => geodesicFlow(domains, { dimensions }, compute) },
  CORAL: { fit: (domains, compute) => coral(domains, {}, compute) },
  OT: { fit: (domains, compute) => optimalTransport(domains, { regularisation: 0.05 }, compute) },
};

function withoutChange(width: number): Adaptation {
  const map = { kind: "identity", width } as const;
  return { source: map, target: map };
}

/** The share of the target's images, in percent, that get the label of their nearest source image. */
export async function accuracyOf(method: string, pair: Pair, folder: string, compute: Compute): Promise<number> {
  const { fit, unitBefore = false, unitAfter = false } = methods[method];
  const [source, target] = pair.map((name) => loadDomain(name, folder));
  const before = (rows: Rows) => (unitBefore ? unitRows(rows) : rows);
  const after = (rows: Rows) => (unitAfter ? unitRows(rows) : rows);
  const domains = { source: before(source.rows), labels: source.labels, target: before(target.rows) };
  const maps = await fit(domains, compute);
  const known = after(await applyMap(maps.source, domains.source, compute));
  const asked = after(await applyMap(maps.target, domains.target, compute));
  const given = await nearestLabels(known, source.labels, asked, compute);
  return (100 * given.filter((label, i) => label === target.labels[i]).length) / target.rows.count;
}

interface LabelledRows {
  readonly rows: Rows;
  readonly labels: Int32Array;
}

const loaded = new Map<string, LabelledRows>();

/** 800 counts of visual words an image, as shares of the image, then standardised over the domain (population deviation). */
function loadDomain(name: Domain, folder: string): LabelledRows {
  const path = join(folder, `${files[name]}.mat`);
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const matrices = readMatFile(path);
  const [features, labels] = [matrices.get("fts"), matrices.get("labels")];
  if (features === undefined || labels === undefined) throw new Error(`"${path}" has no fts and labels`);
  const domain = { rows: standardisedShares(features), labels: Int32Array.from(labels.values, (label) => label - 1) };
  loaded.set(path, domain);
  return domain;
}

function standardisedShares({ values: counts, count, width }: Rows): Rows {
  const values = Float64Array.from(counts);
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * width, (i + 1) * width);
    const whole = row.reduce((sum, value) => sum + value, 0);
    for (let j = 0; j < width; j++) row[j] /= whole;
  }
  for (let j = 0; j < width; j++) {
    const column = Float64Array.from({ length: count }, (_, i) => values[i * width + j]);
    const mean = column.reduce((sum, value) => sum + value, 0) / count;
    const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
    for (let i = 0; i < count; i++) values[i * width + j] = deviation > 0 ? (column[i] - mean) / deviation : 0;
  }
  return { values, count, width };
}

export async function printOfficeCaltech(folder: string, compute: Compute): Promise<void> {
  console.log(`| method | ${pairs.map((pair) => pair.join("→")).join(" | ")} | mean |`);
  console.log(`| --- |${" --- |".repeat(pairs.length + 1)}`);
  for (const method of Object.keys(methods)) {
    const accuracies: number[] = [];
    for (const pair of pairs) accuracies.push(await accuracyOf(method, pair, folder, compute));
    const mean = accuracies.reduce((sum, one) => sum + one, 0) / pairs.length;
    console.log(`| ${method} | ${[...accuracies, mean].map((one) => one.toFixed(1)).join(" | ")} |`);
  }
}
