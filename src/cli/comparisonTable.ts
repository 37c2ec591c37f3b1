import { alignTable } from "../metrics/textTable.ts";
import type { Interval } from "../metrics/wilson.ts";
import type { Comparison } from "../tasks/task.ts";

/** P values below count as a difference. */
const significant = 0.05;

/** A row for the baseline and for each run, in percent; gains are over the first run. */
export function formatComparison({ part, images, majority, runs }: Comparison): string {
  const rows = runs.map(({ run, accuracy, interval, against }) => {
    const own = [run, percent(accuracy), range(interval)];
    if (against === undefined) return own;
    const { gain, onlyFirst, onlySecond, exact, midP } = against;
    const judged = midP >= significant ? "not told apart" : gain > 0 ? "better" : "worse";
    const wonAndLost = `${onlySecond} : ${onlyFirst}`;
    return [
      ...own,
      signed(gain),
      range(against.interval, signed),
      wonAndLost,
      probability(exact),
      probability(midP),
      judged,
    ];
  });
  const titles = ["", "right %", "95 % interval", "gain", "95 % interval", "won : lost", "exact p", "mid-p", ""];
  const raised = runs.length > 2 ? "\np values are raised for several comparisons (Holm)" : "";
  return `\n${part}, ${images} images\n\n${alignTable([titles, ["majority class", percent(majority)], ...rows])}\n${raised}`;
}

function range({ lower, upper }: Interval, told = percent): string {
  return `${told(lower)} – ${told(upper)}`;
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}

function probability(p: number): string {
  return p < 0.0001 ? "< 0.0001" : p.toFixed(4);
}

function signed(fraction: number): string {
  const text = percent(Math.abs(fraction));
  if (Number(text) === 0) return text;
  return `${fraction < 0 ? "−" : "+"}${text}`;
}
