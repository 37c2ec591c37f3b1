import type { ChartSpec } from "./chart.ts";

/** What all charts of a page have in common: they fit a phone. */
export const pageChart = {
  width: 320,
  height: 260,
  autosize: { type: "fit", contains: "padding" },
} as const satisfies Partial<ChartSpec>;

/** A direction that shows a field from 0 to 1. */
export function unitAxis(field: string, title: string) {
  const type: "quantitative" = "quantitative";
  return { field, title, type, scale: { domain: [0, 1] }, axis: { tickCount: 5 } };
}

/** A dashed line from corner to corner, to compare with. */
export const diagonal = {
  data: { values: [{}] },
  mark: { type: "rule" as const, strokeDash: [4, 4], opacity: 0.6 },
  encoding: { x: { datum: 0 }, y: { datum: 0 }, x2: { datum: 1 }, y2: { datum: 1 } },
};
