import { z } from "zod";
import { html } from "../report/html.ts";
import type { Section } from "../report/page.ts";
import { type TargetFigures, targetsTable } from "../report/targetsTable.ts";

const interval = z.object({ lower: z.number(), upper: z.number() });
const classes = z.object({
  count: z.number(),
  accuracy: z.number(),
  majority: z.number(),
  intervals: z.object({ accuracy: interval }),
});
const numbers = z.object({ count: z.number(), mae: z.number(), rmse: z.number(), r2: z.number().optional() });
/** By part, then by target. */
const partsSchema = z.record(z.string(), z.record(z.string(), z.union([classes, numbers])));

/** The result of a run of several targets. */
export function targetsSection(figures: Readonly<Record<string, unknown>>): Section {
  const parts = partsSchema.safeParse(figures).data ?? {};
  const targets = Object.entries(parts).flatMap(([part, byName]) =>
    Object.entries(byName).map(([name, found]): TargetFigures => {
      if (!("accuracy" in found)) return { kind: "number", name, part, ...found, r2: found.r2 };
      const { count, accuracy, majority, intervals } = found;
      return { kind: "classes", name, part, count, accuracy, majority, interval: intervals.accuracy };
    }),
  );
  const body =
    targets.length === 0
      ? html`<p>Nothing was measured: no image with labels was held out.</p>`
      : html`${targetsTable(targets)}<p>The model answers several questions. Confusion, curves, calibration and mistakes are shown for models of one label;
of these, metrics.json has the figures of each target.</p>`;
  return { id: "result", title: "Result", body };
}
