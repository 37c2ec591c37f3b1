import type { Spread } from "../metrics/spread.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { AdaptationTable } from "../tasks/task.ts";
import { type ValidatorName, validatorNames, validators } from "../transfer/validators.ts";
import { duration } from "./duration.ts";

/** A row for each way that was tried. */
export function formatAdaptations(table: AdaptationTable): string {
  return table.entries.some(({ open }) => open !== undefined) ? formatOpen(table) : formatClosed(table);
}

/** How rightly each way finds images of no class of the source. */
function formatOpen({ entries, images, oracle, seeds }: AdaptationTable): string {
  const isKnown = images > 0;
  const rows = entries.map(({ method, setting, seconds, accuracy, open, isChosen }) => [
    `${isChosen ? "→ " : "  "}${method}`,
    setting,
    duration(seconds, 1),
    percentOf(open?.called),
    ...(isKnown ? [open?.known, open?.unknown, open?.harmonic, accuracy].map(percentOf) : []),
  ]);
  const titles = ["  method", "setting", "time", "called unknown %"];
  const ofLabels = isKnown ? ["known right %", "unknown found %", "H-score", "target right %"] : [];
  const ends = oracle === undefined ? [] : [["  trained on target", "", "", "", "", "", "", percentOf(oracle)]];
  const table = alignTable([[...titles, ...ofLabels], ...rows, ...ends]);
  const legend = [
    `→ chosen${isKnown ? `; the last four columns have seen the target's labels (${images} images), which decided nothing` : ""}`,
    "a method without an unknown class calls unknown what it is less sure of than of 95 % of the held-out source images",
    ...(isKnown
      ? ["known right: the mean over the source's classes; H-score: the harmonic mean with unknown found"]
      : []),
    ...repeatedOver(seeds),
  ];
  return `\n${table}\n\n${legend.join("\n")}\n`;
}

/** Each validator marks its choice. */
function formatClosed({ entries, choices, images, oracle, seeds }: AdaptationTable): string {
  const isOf = (place: number, validator: string) =>
    choices.some((choice) => choice.entry === place && choice.validator === validator);
  const score = (place: number, validator: ValidatorName, value: number) =>
    `${isOf(place, validator) ? "*" : ""}${value.toFixed(3)}`;
  const right = (accuracy: Spread | undefined) => (images === 0 ? [] : [percentOf(accuracy)]);
  const rows = entries.map(({ method, setting, seconds, scores, accuracy, isChosen }, place) => [
    `${isChosen ? "→ " : "  "}${method}`,
    setting,
    duration(seconds, 1),
    ...validatorNames.map((name) => score(place, name, scores[name])),
    ...right(accuracy),
  ]);
  const titles = ["  method", "setting", "time", ...validatorNames.map((name) => validators[name].title)];
  const ends =
    oracle === undefined ? [] : [["  trained on target", "", "", ...validatorNames.map(() => ""), ...right(oracle)]];
  const table = alignTable([[...titles, ...(images === 0 ? [] : ["target right %"])], ...rows, ...ends]);
  const legend = `→ chosen; * the choice of a validator, all without target labels${images === 0 ? "" : `, which the last column alone has seen (${images} images)`}`;
  return `\n${table}\n\n${[legend, ...repeatedOver(seeds)].join("\n")}\n`;
}

function repeatedOver(seeds: number): readonly string[] {
  return seeds === 1 ? [] : [`means over ${seeds} seeds, ± the standard deviation`];
}

function percentOf(share: Spread | undefined): string {
  if (share === undefined) return "–";
  const mean = (100 * share.mean).toFixed(1);
  return share.deviation === undefined ? mean : `${mean} ± ${(100 * share.deviation).toFixed(1)}`;
}
