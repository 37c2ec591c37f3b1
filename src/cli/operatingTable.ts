import type { OperatingPoint } from "../metrics/operatingPoints.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { OperatingTable } from "../tasks/task.ts";

/** A row a class: from which probability on it may be believed. */
export function formatOperatingPoints({ wanted, labels, points }: OperatingTable): string {
  const rows = labels.map((label, c) => [label, ...cellsOf(points[c])]);
  const titles = ["", "probability ≥", "precision %", "recall %", `95 % interval of ${wanted.of}`, "images named"];
  const legend = `thresholds for a ${wanted.of} of ${percent(wanted.atLeast)} %, chosen by these very images`;
  return `\n${legend}\n\n${alignTable([titles, ...rows])}\n`;
}

function cellsOf(point: OperatingPoint | undefined): readonly string[] {
  if (point === undefined) return ["not reached", "", "", "", ""];
  const { threshold, precision, recall, interval, named } = point;
  const range = `${percent(interval.lower)}–${percent(interval.upper)}`;
  return [threshold.toPrecision(4), percent(precision), percent(recall), range, String(named)];
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}
