import type { ChartSpec } from "./chart.ts";
import { pageChart } from "./pageChart.ts";

/** A measure over the epochs, by name of the line. */
export interface EpochLines {
  readonly title: string;
  readonly values: readonly { readonly epoch: number; readonly line: string; readonly value: number }[];
  /** The lines in the order of their colours. */
  readonly lines: readonly string[];
  /** The ends of the scale. Default: those of the values. */
  readonly range?: readonly [low: number, high: number];
  /** A level to compare with, and what it means. */
  readonly level?: { readonly value: number; readonly name: string };
}

const dotted = 30;

/** The chart of it; values that are not finite are left out. */
export function epochLines(lines: EpochLines): ChartSpec {
  return { ...pageChart, ...panelOf(lines) };
}

/** Several beside each other. */
export function epochPanels(panels: readonly EpochLines[]): ChartSpec {
  const { width, height } = pageChart;
  return {
    hconcat: panels.map((lines) => ({ width, height, ...panelOf(lines) })),
    resolve: { scale: { color: "independent" } },
  };
}

function panelOf({ title, values, lines, range, level }: EpochLines) {
  const finite = values.filter(({ value }) => Number.isFinite(value));
  const epochs = new Set(finite.map(({ epoch }) => epoch)).size;
  const quantitative: "quantitative" = "quantitative";
  const nominal: "nominal" = "nominal";
  const y = {
    field: "value",
    type: quantitative,
    title: null,
    scale: range === undefined ? { zero: false } : { domain: [...range] },
  };
  const line = {
    data: { values: finite },
    mark: { type: "line" as const, point: epochs <= dotted },
    encoding: {
      x: {
        field: "epoch",
        type: quantitative,
        axis: { tickMinStep: 1, grid: false, format: "d" },
        scale: { nice: false, zero: false },
      },
      y,
      color: { field: "line", type: nominal, title: null, scale: { domain: [...lines] } },
    },
  };
  return { title, layer: [line, ...(level === undefined ? [] : levelOf(level, y))] };
}

function levelOf({ value, name }: NonNullable<EpochLines["level"]>, y: { readonly type: "quantitative" }) {
  const data = { values: [{ value, name }] };
  return [
    { data, mark: { type: "rule" as const, strokeDash: [4, 4], opacity: 0.6 }, encoding: { y } },
    {
      data,
      mark: { type: "text" as const, align: "right" as const, dy: -6, x: pageChart.width, opacity: 0.8 },
      encoding: { y, text: { field: "name" } },
    },
  ];
}
