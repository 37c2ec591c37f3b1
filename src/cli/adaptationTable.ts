import type { Spread } from "../metrics/spread.ts";
import { alignTable } from "../metrics/textTable.ts";
import type { AdaptationTable } from "../tasks/task.ts";
import { type ValidatorName, validatorNames, validators } from "../transfer/validators.ts";
import { duration } from "./duration.ts";

/** A row for each way that was tried; each validator marks its choice. */
export function formatAdaptations({ entries, choices, images, oracle, seeds }: AdaptationTable): string {
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
  const repeated = seeds === 1 ? "" : `\nmeans over ${seeds} seeds, ± the standard deviation`;
  return `\n${table}\n\n${legend}${repeated}\n`;
}

function percentOf(share: Spread | undefined): string {
  if (share === undefined) return "";
  const mean = (100 * share.mean).toFixed(1);
  return share.deviation === undefined ? mean : `${mean} ± ${(100 * share.deviation).toFixed(1)}`;
}
