import { svgColour, svgDrawing, svgText } from "./svg.ts";

const side = 320;
const margin = 16;
const titleHeight = 32;
const legendLine = 18;
const radius = 3;

export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** The place of its name in the legend. */
  readonly group: number;
  readonly mark: "dot" | "ring";
}

/** Points in a square without scales: what is near is alike, the directions themselves mean nothing. */
export interface ScatterPanel {
  readonly title: string;
  readonly points: readonly ScatterPoint[];
  readonly legend: readonly string[];
}

/** Rows of panels as an SVG drawing, a line of words below. Each panel fits its own points, with one scale for both directions. */
export function scatterChart(rows: readonly (readonly ScatterPanel[])[], caption: string): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const entries = Math.max(...rows.flat().map(({ legend }) => Math.ceil(legend.length / 2)));
  const [width, height] = [side + 2 * margin, titleHeight + side + margin + entries * legendLine + margin];
  const parts = rows.flatMap((row, i) =>
    row.flatMap((panel, j) => [`<g transform="translate(${j * width} ${i * height})">`, ...drawn(panel), "</g>"]),
  );
  const total = rows.length * height + legendLine;
  return svgDrawing(columns * width, total, [...parts, svgText((columns * width) / 2, total - 8, caption)]);
}

function drawn({ title, points, legend }: ScatterPanel): readonly string[] {
  const place = fitted(points);
  return [
    svgText(margin + side / 2, 20, title, `font-weight="bold"`),
    `<rect x="${margin}" y="${titleHeight}" width="${side}" height="${side}" fill="none" stroke="#dddddd"/>`,
    ...points.map((point) => {
      const [x, y] = place(point);
      const colour = svgColour(point.group);
      const look = point.mark === "dot" ? `fill="${colour}" fill-opacity="0.6"` : `fill="none" stroke="${colour}"`;
      return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}" ${look}/>`;
    }),
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

/** Points to pixels: their middle in the middle, the wider direction just inside; y points up. */
function fitted(points: readonly ScatterPoint[]): (point: ScatterPoint) => readonly [number, number] {
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
