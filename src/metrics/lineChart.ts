import { svgColour, svgDrawing, svgLine, svgText } from "./svg.ts";

const width = 320;
const height = 220;
const margin = { left: 56, right: 20, top: 56, bottom: 44 };
const panelWidth = margin.left + width + margin.right;
const panelHeight = margin.top + height + margin.bottom;
const epochsMarked = 6;
const shares = [0, 0.25, 0.5, 0.75, 1];

/** Lines over the epochs, on one scale. */
export interface LinePanel {
  readonly title: string;
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** The ends of the scale; default: 0 and the largest value. */
  readonly range?: readonly [low: number, high: number];
  /** A level to compare with, and what it means. */
  readonly level?: { readonly value: number; readonly name: string };
}

/** Panels beside each other as an SVG drawing; the first value of a line is epoch 1. A value that is not finite breaks its line. */
export function lineChart(panels: readonly LinePanel[]): string {
  const parts = panels.flatMap((panel, i) => [
    `<g transform="translate(${i * panelWidth} 0)">`,
    ...drawn(panel),
    "</g>",
  ]);
  return svgDrawing(panels.length * panelWidth, panelHeight, parts);
}

function drawn({ title, lines, range, level }: LinePanel): readonly string[] {
  const epochs = Math.max(1, ...lines.map(({ values }) => values.length));
  const finite = lines.flatMap(({ values }) => values.filter(Number.isFinite));
  const [low, high] = range ?? [0, Math.max(...finite, Number.MIN_VALUE)];
  const place = (epoch: number, value: number): [number, number] => [
    margin.left + (epochs === 1 ? 0.5 : (epoch - 1) / (epochs - 1)) * width,
    margin.top + (1 - (value - low) / (high - low)) * height,
  ];
  const marked = level === undefined ? [] : [levelLine(place(1, level.value)[1], level.name)];
  return [
    svgText(margin.left + width / 2, 20, title, `font-weight="bold"`),
    ...scale(low, high),
    ...epochMarks(epochs).map((epoch) => svgText(place(epoch, low)[0], margin.top + height + 16, String(epoch))),
    svgText(margin.left + width / 2, panelHeight - 10, "epoch"),
    ...marked.flat(),
    ...lines.flatMap(({ name, values }, i) => [
      path(
        values.map((value, at) => (Number.isFinite(value) ? place(at + 1, value) : undefined)),
        svgColour(i),
      ),
      ...legend(name, i, lines.length),
    ]),
  ];
}

function scale(low: number, high: number): readonly string[] {
  return shares.flatMap((share) => {
    const y = margin.top + (1 - share) * height;
    const value = low + share * (high - low);
    return [
      svgLine([margin.left, y], [margin.left + width, y], `stroke="${share === 0 ? "black" : "#dddddd"}"`),
      svgText(margin.left - 8, y + 4, Number(value.toPrecision(3)).toString(), `text-anchor="end"`),
    ];
  });
}

function levelLine(y: number, name: string): readonly string[] {
  return [
    svgLine([margin.left, y], [margin.left + width, y], `stroke="gray" stroke-dasharray="4 4"`),
    svgText(margin.left + width, y - 5, name, `text-anchor="end" fill="gray" font-size="11"`),
  ];
}

function epochMarks(epochs: number): readonly number[] {
  const step = Math.max(1, Math.ceil((epochs - 1) / (epochsMarked - 1)));
  return Array.from({ length: Math.ceil(epochs / step) }, (_, i) => 1 + i * step);
}

/** Through the places that there are; a single one is a dot. */
function path(places: readonly ([number, number] | undefined)[], colour: string): string {
  let isDrawing = false;
  const steps: string[] = [];
  for (const place of places) {
    if (place !== undefined) steps.push(`${isDrawing ? "L" : "M"}${place.map((value) => value.toFixed(1)).join(" ")}`);
    isDrawing = place !== undefined;
  }
  const [only] = steps.length === 1 ? places.filter((place) => place !== undefined) : [];
  if (only !== undefined)
    return `<circle cx="${only[0].toFixed(1)}" cy="${only[1].toFixed(1)}" r="3" fill="${colour}"/>`;
  return `<path d="${steps.join("")}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>`;
}

function legend(name: string, place: number, count: number): readonly string[] {
  const x = margin.left + (place * width) / count;
  return [
    svgLine([x, 40], [x + 18, 40], `stroke="${svgColour(place)}" stroke-width="3"`),
    svgText(x + 24, 44, name, `text-anchor="start"`),
  ];
}
