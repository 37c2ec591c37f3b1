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
/** By target. */
const partSchema = z.record(z.string(), z.union([classes, numbers]));

/** The result of a run of several targets. */
export function targetsSection(figures: Readonly<Record<string, unknown>>): Section {
  // What stands beside the parts, such as what calibration promises, has another form.
  const targets = Object.entries(figures).flatMap(([part, byName]) =>
    Object.entries(partSchema.safeParse(byName).data ?? {}).map(([name, found]): TargetFigures => {
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
