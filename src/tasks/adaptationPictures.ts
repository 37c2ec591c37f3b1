import type { Domains } from "../adapt/domains.ts";
import type { Compute } from "../algebra/compute.ts";
import { type Matrix, matrix, rowsAt, stacked } from "../algebra/matrix.ts";
import { embedInPlane, type PlaneMethod } from "../algebra/planeEmbedding.ts";
import { stream } from "../base/random.ts";
import { drawChart } from "../report/chart.ts";
import { epochPanels } from "../report/epochLines.ts";
import { type ScatterPanel, type ScatterPoint, scatterChart } from "../report/scatterChart.ts";
import type { EpochLog } from "../train/progress.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { answersOf } from "./probabilities.ts";

/** Of each domain, at most. */
const imagesShown = 400;
/** Of both domains together: with fewer, everyone is everyone's neighbour. */
const leastForUmap = 16;
const domainNames = ["source", "target"] as const;
type DomainName = (typeof domainNames)[number];

const pictures = {
  pca: { file: "domains.svg", told: "two principal directions" },
  umap: { file: "domains-umap.svg", told: "UMAP, which keeps neighbours, not distances" },
} as const satisfies Readonly<Record<PlaneMethod, unknown>>;

export interface PictureSubject {
  /** Both domains before any method changed them, and the class of each source row. */
  readonly before: Domains;
  readonly classes: readonly number[];
  /** Whose answers colour the target before. */
  readonly sourceOnly: DomainTrial;
  readonly chosen: DomainTrial;
  readonly labels: readonly string[];
  /** Draws the images that are shown of large domains, and what UMAP leaves to chance. */
  readonly seed: number;
}

export interface DomainPicture {
  readonly file: string;
  readonly svg: string;
}

/**
 * Both domains in a plane, before and after, by domain and by class: of target images the class is the answer, as nobody knows better. One picture
 * of their principal directions, and where there are images enough one by UMAP.
 */
export async function domainPictures(subject: PictureSubject, compute: Compute): Promise<readonly DomainPicture[]> {
  const { before, seed } = subject;
  const places = { source: sampled(before, "source", seed), target: sampled(before, "target", seed) };
  const count = places.source.length + places.target.length;
  const methods = count < leastForUmap ? (["pca"] as const) : (["pca", "umap"] as const);
  const drawn: DomainPicture[] = [];
  for (const method of methods) {
    const { file, told } = pictures[method];
    const rows: ScatterPanel[][] = [];
    for (const stage of stagesOf(subject)) rows.push(await panelsOf(stage, { places, method, subject }, compute));
    const caption = [told, marks, ...sampleTold(before, places)].join("; ");
    drawn.push({ file, svg: await drawChart(scatterChart(rows, caption)) });
  }
  return drawn;
}

const marks = "dots: source, rings: target, coloured by the answer";

type Places = Readonly<Record<DomainName, readonly number[]>>;

/** The rows that are shown, in their order. */
function sampled(domains: Domains, domain: DomainName, seed: number): readonly number[] {
  const { count } = domains[domain];
  const drawn = stream(seed, `pictured ${domain}`).permutation(count);
  return [...drawn.subarray(0, imagesShown)].sort((a, b) => a - b);
}

function sampleTold(domains: Domains, places: Places): readonly string[] {
  const parts = domainNames
    .filter((name) => places[name].length < domains[name].count)
    .map((name) => `${places[name].length} of ${domains[name].count} ${name} images`);
  return parts.length === 0 ? [] : [`drawn at random: ${parts.join(", ")}`];
}

interface Stage {
  readonly title: string;
  readonly domains: Domains;
  readonly answers: DomainTrial;
}

function stagesOf({ before, sourceOnly, chosen }: PictureSubject): readonly Stage[] {
  const first = { title: "before", domains: before, answers: sourceOnly };
  return chosen === sourceOnly ? [first] : [first, { title: nameOf(chosen), domains: chosen.space, answers: chosen }];
}

function nameOf({ method, setting }: DomainTrial): string {
  return ["after", [method, setting].filter((part) => part !== "").join(", ")].join(": ");
}

interface View {
  readonly places: Places;
  readonly method: PlaneMethod;
  readonly subject: PictureSubject;
}

async function panelsOf(
  { title, domains, answers }: Stage,
  { places, method, subject }: View,
  compute: Compute,
): Promise<ScatterPanel[]> {
  const { classes, labels, seed } = subject;
  const shown = { source: rowsAt(domains.source, places.source), target: rowsAt(domains.target, places.target) };
  const all = await embedInPlane(stacked(shown.source, shown.target), method, seed, compute);
  const plane = { source: part(all, 0, shown.source.count), target: part(all, shown.source.count, all.count) };
  const groups = { source: classes, target: answersOf(answers.probabilities.target, answers.classes) };
  const points = (groupOf: (domain: DomainName, place: number) => number) =>
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
export function domainCurves(history: readonly EpochLog[]): Promise<string> {
  const panel = (title: string, keys: Readonly<Record<string, string>>) => ({
    title,
    lines: Object.keys(keys),
    values: Object.entries(keys).flatMap(([line, key]) =>
      history.map((log, i) => ({ epoch: i + 1, line, value: log[key] ?? Number.NaN })),
    ),
  });
  return drawChart(
    epochPanels([
      {
        ...panel("accuracy", {
          "source, held out": "source_accuracy",
          "telling the domains apart": "domain_accuracy",
        }),
        range: [0, 1],
        level: { value: 0.5, name: "domains alike" },
      },
      panel("discrepancy", { "multi-kernel MMD": "discrepancy" }),
      panel("loss", { training: "loss" }),
    ]),
  );
}
