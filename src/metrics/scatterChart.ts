import { svgColour, svgDrawing, svgEscaped, svgText } from "./svg.ts";

const usualSide = 320;
const margin = 16;
const titleHeight = 32;
const legendLine = 18;
const radius = 3;

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

/** Rows of panels as an SVG drawing, a line of words below. Each panel fits its own points, with one scale for both directions. */
export function scatterChart(
  rows: readonly (readonly ScatterPanel[])[],
  caption: string,
  { side = usualSide, named = false }: ScatterOptions = {},
): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const entries = Math.max(...rows.flat().map(({ legend }) => Math.ceil(legend.length / 2)));
  const [width, height] = [side + 2 * margin, titleHeight + side + margin + entries * legendLine + margin];
  const parts = rows.flatMap((row, i) =>
    row.flatMap((panel, j) => [
      `<g transform="translate(${j * width} ${i * height})">`,
      ...drawn(panel, side, named),
      "</g>",
    ]),
  );
  const total = rows.length * height + legendLine;
  return svgDrawing(columns * width, total, [...parts, svgText((columns * width) / 2, total - 8, caption)]);
}

function drawn({ title, points, legend }: ScatterPanel, side: number, named: boolean): readonly string[] {
  const place = fitted(points, side);
  // What is to be looked at lies above the rest.
  const ordered = [
    ...points.filter(({ mark }) => mark !== "ringed"),
    ...points.filter(({ mark }) => mark === "ringed"),
  ];
  return [
    svgText(margin + side / 2, 20, title, `font-weight="bold"`),
    `<rect x="${margin}" y="${titleHeight}" width="${side}" height="${side}" fill="none" stroke="#dddddd"/>`,
    ...ordered.map((point) => circle(point, place(point))),
    ...(named ? namesOf(points, legend, place) : []),
    ...legend.flatMap((name, i) => {
      const x = margin + (i % 2) * (side / 2) + 6;
      const y = titleHeight + side + margin + Math.floor(i / 2) * legendLine;
      return [
        `<circle cx="${x}" cy="${y}" r="4" fill="${svgColour(i)}"/>`,
        svgText(x + 10, y + 4, name, `text-anchor="start"`),
      ];
    }),
  ];
}

function circle({ group, mark, title }: ScatterPoint, [x, y]: readonly [number, number]): string {
  const colour = svgColour(group);
  const look = {
    dot: `fill="${colour}" fill-opacity="0.6"`,
    ring: `fill="none" stroke="${colour}"`,
    ringed: `fill="${colour}" stroke="black" stroke-width="1.5"`,
  }[mark];
  const start = `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}" ${look}`;
  return title === undefined ? `${start}/>` : `${start}><title>${svgEscaped(title)}</title></circle>`;
}

function namesOf(
  points: readonly ScatterPoint[],
  legend: readonly string[],
  place: (point: ScatterPoint) => readonly [number, number],
): readonly string[] {
  return legend.flatMap((name, group) => {
    const own = points.filter((point) => point.group === group).map(place);
    if (own.length === 0) return [];
    const [x, y] = ([0, 1] as const).map((axis) => medianOf(own.map((at) => at[axis])));
    return [svgText(x, y, name, `font-weight="bold" stroke="white" stroke-width="3" paint-order="stroke"`)];
  });
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Points to pixels: their middle in the middle, the wider direction just inside; y points up. */
function fitted(points: readonly ScatterPoint[], side: number): (point: ScatterPoint) => readonly [number, number] {
  const [left, right] = endsOf(points.map(({ x }) => x));
  const [bottom, top] = endsOf(points.map(({ y }) => y));
  const scale = (side - 4 * radius) / (Math.max(right - left, top - bottom) || 1);
  return ({ x, y }) => [
    margin + side / 2 + (x - (left + right) / 2) * scale,
    titleHeight + side / 2 - (y - (bottom + top) / 2) * scale,
  ];
}

function endsOf(values: readonly number[]): readonly [number, number] {
  if (values.length === 0) return [0, 0];
  return [
    values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  ];
}
