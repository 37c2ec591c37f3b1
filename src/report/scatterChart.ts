import type { ChartSpec } from "./chart.ts";

const usualSide = 320;
/** Of a name in the legend, about. */
const entryWidth = 160;
/** Of the square, between its border and the outermost points. */
const border = 0.02;

export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** The place of its name in the legend. */
  readonly group: number;
  /** `ringed` is a dot with a ring around it, to be looked at. */
  readonly mark: "dot" | "ring" | "ringed";
  /** What a reader sees who points at it. */
  readonly title?: string;
}

/** Points in a square without scales: what is near is alike, the directions themselves mean nothing. */
export interface ScatterPanel {
  readonly title: string;
  readonly points: readonly ScatterPoint[];
  readonly legend: readonly string[];
}

export interface ScatterOptions {
  /** Of each panel in pixels. */
  readonly side?: number;
  /** Writes each name where its points have their median too, for more names than there are colours. */
  readonly named?: boolean;
}

/** Rows of panels, a line of words below. Each panel fits its own points, with one scale for both directions. */
export function scatterChart(
  rows: readonly (readonly ScatterPanel[])[],
  caption: string,
  { side = usualSide, named = false }: ScatterOptions = {},
): ChartSpec {
  return {
    title: { text: caption, orient: "bottom", anchor: "middle", fontWeight: "normal", fontSize: 12 },
    columns: Math.max(...rows.map((row) => row.length)),
    concat: rows.flat().map((panel) => panelOf(panel, side, named)),
    resolve: { scale: { color: "independent" } },
  };
}

function panelOf({ title, points, legend }: ScatterPanel, side: number, named: boolean) {
  const at = square(points);
  const values = points.map((point) => ({ ...point, name: legend[point.group] ?? "" }));
  const isTold = points.some((point) => point.title !== undefined);
  const mark = { ...circle, aria: isTold };
  const marked = (kind: ScatterPoint["mark"]) => values.filter((point) => point.mark === kind);
  const layers = [
    { data: { values: marked("dot") }, mark: { ...mark, filled: true, opacity: 0.6 } },
    { data: { values: marked("ring") }, mark: { ...mark, filled: false, strokeWidth: 1 } },
    // What is to be looked at lies above the rest.
    { data: { values: marked("ringed") }, mark: { ...mark, filled: true, opacity: 1, stroke: "black" } },
  ].filter(({ data }, i) => data.values.length > 0 || (i === 0 && points.length === 0));
  const color = {
    field: "name",
    type: "nominal" as const,
    title: null,
    scale: { domain: [...legend] },
    legend: { ...keys, columns: Math.max(2, Math.floor(side / entryWidth)), symbolLimit: legend.length },
  };
  const told = isTold ? { description: { field: "title", type: "nominal" as const } } : {};
  return {
    title,
    width: side,
    height: side,
    encoding: { x: at("x"), y: at("y") },
    layer: [
      ...layers.map((layer) => ({ ...layer, encoding: { color, ...told } })),
      ...(named ? namesOf(points, legend) : []),
    ],
  };
}

const circle = { type: "point", shape: "circle", size: 28, strokeWidth: 1.5 } as const;
const keys = {
  orient: "bottom",
  symbolType: "circle",
  symbolOpacity: 1,
  symbolSize: 64,
  symbolStrokeWidth: 0,
} as const;

/** Each name twice: a white edge keeps it apart from the points beneath. */
function namesOf(points: readonly ScatterPoint[], legend: readonly string[]) {
  const values = legend.flatMap((name, group) => {
    const own = points.filter((point) => point.group === group);
    return own.length === 0 ? [] : [{ name, x: medianOf(own.map(({ x }) => x)), y: medianOf(own.map(({ y }) => y)) }];
  });
  const text = { type: "text", fontWeight: "bold", fontSize: 12 } as const;
  const encoding = { text: { field: "name", type: "nominal" as const } };
  return [
    { data: { values }, mark: { ...text, stroke: "white", strokeWidth: 3 }, encoding },
    { data: { values }, mark: { ...text, fill: "black" }, encoding },
  ];
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Both directions: the middle of the points in the middle, the wider direction just inside. */
function square(points: readonly ScatterPoint[]) {
  const ends = { x: endsOf(points.map(({ x }) => x)), y: endsOf(points.map(({ y }) => y)) };
  const span = Math.max(ends.x[1] - ends.x[0], ends.y[1] - ends.y[0]) || 1;
  return (field: "x" | "y") => {
    const middle = (ends[field][0] + ends[field][1]) / 2;
    const reach = (0.5 + border) * span;
    return {
      field,
      type: "quantitative" as const,
      axis: null,
      scale: { domain: [middle - reach, middle + reach], nice: false, zero: false },
    };
  };
}

function endsOf(values: readonly number[]): readonly [number, number] {
  if (values.length === 0) return [0, 0];
  return [
    values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  ];
}
