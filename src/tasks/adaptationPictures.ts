import type { Domains } from "../adapt/domains.ts";
import type { Compute } from "../algebra/compute.ts";
import { type Matrix, matrix, stacked } from "../algebra/matrix.ts";
import { embedInPlane, evenPlaces, evenRows } from "../algebra/planeEmbedding.ts";
import { lineChart } from "../metrics/lineChart.ts";
import { type ScatterPanel, type ScatterPoint, scatterChart } from "../metrics/scatterChart.ts";
import type { EpochLog } from "../train/progress.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { answersOf } from "./probabilities.ts";

/** Of each domain, at most. */
const imagesShown = 400;
const domainNames = ["source", "target"] as const;

export interface PictureSubject {
  /** Both domains before any method changed them, and the class of each source row. */
  readonly before: Domains;
  readonly classes: readonly number[];
  /** Whose answers colour the target before. */
  readonly sourceOnly: DomainTrial;
  readonly chosen: DomainTrial;
  readonly labels: readonly string[];
}

/** Both domains in their two principal directions, before and after, by domain and by class: of target images the class is the answer, as nobody knows better. */
export async function domainPicture(
  { before, classes, sourceOnly, chosen, labels }: PictureSubject,
  compute: Compute,
): Promise<string> {
  const stages = [
    { title: "before", domains: before, answers: sourceOnly },
    ...(chosen === sourceOnly ? [] : [{ title: nameOf(chosen), domains: chosen.space, answers: chosen }]),
  ];
  const rows: ScatterPanel[][] = [];
  for (const { title, domains, answers } of stages) {
    const given = answersOf(answers.probabilities.target, labels.length);
    const groups = { source: classes, target: given };
    rows.push(await panelsOf(title, domains, { groups, labels }, compute));
  }
  return scatterChart(rows, "two principal directions; dots: source, rings: target, coloured by the answer");
}

function nameOf({ method, setting }: DomainTrial): string {
  return ["after", [method, setting].filter((part) => part !== "").join(", ")].join(": ");
}

interface Grouping {
  readonly groups: { readonly source: readonly number[]; readonly target: readonly number[] };
  readonly labels: readonly string[];
}

async function panelsOf(
  title: string,
  { source, target }: Domains,
  { groups, labels }: Grouping,
  compute: Compute,
): Promise<ScatterPanel[]> {
  const shown = { source: evenRows(source, imagesShown), target: evenRows(target, imagesShown) };
  const all = await embedInPlane(stacked(shown.source, shown.target), "pca", 0, compute);
  const plane = { source: part(all, 0, shown.source.count), target: part(all, shown.source.count, all.count) };
  const places = {
    source: evenPlaces(source.count, imagesShown),
    target: evenPlaces(target.count, imagesShown),
  };
  const points = (groupOf: (domain: "source" | "target", place: number) => number) =>
    domainNames.flatMap((domain) =>
      pointsOf(plane[domain], domain === "source" ? "dot" : "ring", (i) => groupOf(domain, places[domain][i] ?? 0)),
    );
  return [
    { title: `${title}, by domain`, points: points((domain) => domainNames.indexOf(domain)), legend: domainNames },
    { title: `${title}, by class`, points: points((domain, place) => groups[domain][place] ?? 0), legend: labels },
  ];
}

function part(points: Matrix, start: number, end: number): Matrix {
  return matrix(end - start, 2, points.values.slice(2 * start, 2 * end));
}

function pointsOf(
  { values, count }: Matrix,
  mark: ScatterPoint["mark"],
  groupOf: (row: number) => number,
): ScatterPoint[] {
  return Array.from({ length: count }, (_, i) => ({
    x: values[2 * i] ?? 0,
    y: values[2 * i + 1] ?? 0,
    group: groupOf(i),
    mark,
  }));
}

/** How the domains came together, epoch by epoch. */
export function domainCurves(history: readonly EpochLog[]): string {
  const line = (name: string, key: string) => ({ name, values: history.map((log) => log[key] ?? Number.NaN) });
  return lineChart([
    {
      title: "accuracy",
      range: [0, 1],
      lines: [line("source, held out", "source_accuracy"), line("telling the domains apart", "domain_accuracy")],
      level: { value: 0.5, name: "domains alike" },
    },
    { title: "discrepancy", lines: [line("multi-kernel MMD", "discrepancy")] },
    { title: "loss", lines: [line("training", "loss")] },
  ]);
}
