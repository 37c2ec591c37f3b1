import { epochLines } from "./epochLines.ts";
import type { Figure } from "./figure.ts";

/** A line of a run's history. */
export type EpochFigures = Readonly<Record<string, number>>;

/** Not drawn: what is no measure. */
const aside = new Set(["epoch", "learning_rate", "duration_ms"]);
const validationPrefix = "val_";
const mostCharts = 6;
const mostEpochs = 400;

/** A chart for each measure over the epochs, training beside validation; none where there is one epoch, which makes no curve. */
export function trainingCurves(history: readonly EpochFigures[]): readonly Figure[] {
  if (history.length < 2) return [];
  const step = Math.ceil(history.length / mostEpochs);
  const shown = history.filter((_, i) => i % step === 0 || i === history.length - 1);
  return measuresOf(history)
    .slice(0, mostCharts)
    .map((measure) => curveOf(measure, shown, step));
}

/** How many measures `trainingCurves` leaves out. */
export function measuresLeftOut(history: readonly EpochFigures[]): number {
  return Math.max(0, measuresOf(history).length - mostCharts);
}

function measuresOf(history: readonly EpochFigures[]): readonly string[] {
  const names = history.flatMap((log) => Object.keys(log)).filter((name) => !aside.has(name));
  return [
    ...new Set(names.map((name) => (name.startsWith(validationPrefix) ? name.slice(validationPrefix.length) : name))),
  ];
}

function curveOf(measure: string, shown: readonly EpochFigures[], step: number): Figure {
  const title = measure.replaceAll("_", " ");
  const parts = [
    { part: "training", key: measure },
    { part: "validation", key: `${validationPrefix}${measure}` },
  ].filter(({ key }) => shown.some((log) => log[key] !== undefined));
  const epochOf = (log: EpochFigures, i: number) => log["epoch"] ?? i + 1;
  const values = parts.flatMap(({ part, key }) =>
    shown.map((log, i) => ({ epoch: epochOf(log, i), line: part, value: log[key] ?? Number.NaN })),
  );
  const thinned = step === 1 ? "" : ` One epoch in ${step} is drawn.`;
  return {
    id: `curve-${measure.replace(/[^a-z0-9]+/gi, "-")}`,
    caption: `${title} over the epochs.${thinned}`,
    spec: epochLines({ title, values, lines: ["training", "validation"] }),
    table: {
      caption: `${title} by epoch`,
      columns: ["epoch", ...parts.map(({ part }) => part)],
      rows: shown.map((log, i) => [epochOf(log, i), ...parts.map(({ key }) => log[key]?.toPrecision(5) ?? "")]),
    },
  };
}
