import type { Interval } from "../metrics/wilson.ts";
import { type Html, html } from "./html.ts";
import { fixed, percent, percentRange } from "./numbers.ts";
import { tableOf } from "./table.ts";

/** How good the answers to one of several questions are. */
export type TargetFigures = {
  readonly name: string;
  readonly part: string;
  readonly count: number;
} & (
  | { readonly kind: "classes"; readonly accuracy: number; readonly interval: Interval; readonly majority: number }
  | { readonly kind: "number"; readonly mae: number; readonly rmse: number; readonly r2: number | undefined }
);

/** Classes and numbers in a table each. */
export function targetsTable(targets: readonly TargetFigures[]): Html {
  const classes = targets.flatMap((target) => (target.kind === "classes" ? [target] : []));
  const numbers = targets.flatMap((target) => (target.kind === "number" ? [target] : []));
  return html`${
    classes.length === 0
      ? undefined
      : tableOf({
          caption: "Targets with classes",
          columns: ["target", "part", "images", "right", "95 % interval (Wilson)", "majority class"],
          rows: classes.map(({ name, part, count, accuracy, interval, majority }) => [
            name,
            part,
            count,
            percent(accuracy),
            percentRange(interval),
            percent(majority),
          ]),
        })
  }${
    numbers.length === 0
      ? undefined
      : tableOf({
          caption: "Targets that are numbers, in their own units",
          columns: ["target", "part", "images", "mean absolute error", "root mean squared error", "R²"],
          rows: numbers.map(({ name, part, count, mae, rmse, r2 }) => [
            name,
            part,
            count,
            mae.toPrecision(4),
            rmse.toPrecision(4),
            fixed(r2),
          ]),
        })
  }`;
}
