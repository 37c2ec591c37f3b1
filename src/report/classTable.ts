import type { ClassScores } from "../metrics/confusion.ts";
import { type Html, html } from "./html.ts";
import { fixed } from "./numbers.ts";
import type { RankedClass } from "./rankCurves.ts";
import { tableOf } from "./table.ts";

const mostClasses = 20;

/** Precision, recall and areas of each class; of many classes those with the lowest F1. */
export function classTable(scores: readonly ClassScores[], ranked: readonly RankedClass[]): Html {
  const rows = ranked.flatMap((one, c) => {
    const score = scores[c];
    return score === undefined ? [] : [{ ...one, score }];
  });
  const shown =
    rows.length <= mostClasses ? rows : rows.toSorted((a, b) => a.score.f1 - b.score.f1).slice(0, mostClasses);
  const left = rows.length - shown.length;
  const absent = rows.filter(({ support }) => support === 0).map(({ label }) => label);
  const table = tableOf({
    caption: left > 0 ? `The ${shown.length} classes with the lowest F1` : "Class by class",
    columns: ["class", "images", "precision", "recall", "F1", "ROC AUC", "average precision"],
    rows: shown.map(({ label, support, score, auc, averagePrecision }) => [
      label,
      support,
      fixed(score.precision),
      support === 0 ? "–" : fixed(score.recall),
      fixed(score.f1),
      fixed(auc),
      fixed(averagePrecision),
    ]),
  });
  const more = left > 0 ? html`<p>${left.toLocaleString("en")} classes with a higher F1 are left out.</p>` : undefined;
  const missing =
    absent.length === 0
      ? undefined
      : html`<p>Without an image here, so that nothing can be said of them: ${absent.slice(0, 10).join(", ")}${absent.length > 10 ? ` and ${absent.length - 10} more` : ""}.</p>`;
  return html`${table}${more}${missing}`;
}
