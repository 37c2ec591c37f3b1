import type { ChartSpec } from "./chart.ts";
import { pageChart } from "./pageChart.ts";

/** A measure over the epochs, by name of the line. */
export interface EpochLines {
  readonly title: string;
  readonly values: readonly { readonly epoch: number; readonly line: string; readonly value: number }[];
  /** The lines in the order of their colours. */
  readonly lines: readonly string[];
}

const dotted = 30;

/** The chart of it; values that are not finite are left out. */
export function epochLines({ title, values, lines }: EpochLines): ChartSpec {
  const finite = values.filter(({ value }) => Number.isFinite(value));
  const epochs = new Set(finite.map(({ epoch }) => epoch)).size;
  return {
    ...pageChart,
    title,
    data: { values: finite },
    mark: { type: "line", point: epochs <= dotted },
    encoding: {
      x: {
        field: "epoch",
        type: "quantitative",
        axis: { tickMinStep: 1, grid: false, format: "d" },
        scale: { nice: false, zero: false },
      },
      y: { field: "value", type: "quantitative", title: null, scale: { zero: false } },
      color: { field: "line", type: "nominal", title: null, scale: { domain: [...lines] } },
    },
  };
}
