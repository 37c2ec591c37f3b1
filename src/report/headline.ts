import type { Interval } from "../metrics/wilson.ts";
import { type Html, html } from "./html.ts";
import { counted, fixed, percent, percentRange } from "./numbers.ts";
import { tableOf } from "./table.ts";

/** What is said of one part of the images. */
export interface PartFigures {
  readonly part: string;
  readonly count: number;
  readonly accuracy: number;
  /** Of the accuracy, by Wilson's score, 95 %. */
  readonly interval: Interval;
  /** Always naming the class that is most frequent there. */
  readonly majority: { readonly label: string; readonly share: number };
  readonly balancedAccuracy: number;
  readonly macroF1: number;
  readonly auc: number | undefined;
  readonly calibrationError: number;
}

/** The result in one line, then a row for each part. */
export function headline(main: PartFigures, parts: readonly PartFigures[]): Html {
  const { accuracy, interval, majority, count, part } = main;
  const beats =
    interval.lower > majority.share
      ? "The whole interval lies above that."
      : "The interval reaches down to that: by these images it may have learned nothing.";
  return html`<p class="headline"><strong>${percent(accuracy)}</strong> right, of ${counted(count, "image")} (${part})</p>
<p>With 95 % confidence ${percentRange(interval)} (Wilson). Always answering “${majority.label}” would be right in ${percent(majority.share)}. ${beats}</p>
${tableOf({
  caption: "Figures",
  columns: [
    "part",
    "images",
    "accuracy",
    "95 % interval",
    "majority class",
    "balanced accuracy",
    "macro F1",
    "ROC AUC",
    "calibration error",
  ],
  rows: parts.map((one) => [
    one.part,
    one.count,
    percent(one.accuracy),
    percentRange(one.interval),
    percent(one.majority.share),
    percent(one.balancedAccuracy),
    fixed(one.macroF1),
    fixed(one.auc),
    fixed(one.calibrationError),
  ]),
})}`;
}
