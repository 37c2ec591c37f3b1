import { type Html, html } from "./html.ts";
import { duration, percent } from "./numbers.ts";
import { tableOf } from "./table.ts";

/** A way to train that was tried. */
export interface TriedStrategy {
  readonly name: string;
  readonly seconds: number;
  /** Share of validation images that are right; with its deviation over several seeds where there are some. */
  readonly accuracy: number | undefined;
  readonly gain?: number | undefined;
  readonly standardError?: number | undefined;
}

export interface StrategyAccount {
  /** How the choice was made, in a sentence. */
  readonly rule: string;
  readonly trials: readonly TriedStrategy[];
  readonly chosen: string;
  readonly reasons: readonly string[];
}

/** What was tried, what it cost and brought, and what was chosen. */
export function accountTable({ rule, trials, chosen, reasons }: StrategyAccount): Html {
  return html`<p>Chosen: <strong>${chosen}</strong>. ${rule}</p>
${
  trials.length === 0
    ? undefined
    : tableOf({
        caption: "What was tried",
        columns: ["way", "time", "right", "gain ± standard error, in points"],
        rows: trials.map(({ name, seconds, accuracy, gain, standardError }) => [
          name,
          duration(seconds),
          accuracy === undefined ? "–" : percent(accuracy),
          gain === undefined ? "–" : gainText(gain, standardError),
        ]),
      })
}
${reasons.map((reason) => html`<p>${reason}</p>`)}`;
}

function gainText(gain: number, standardError: number | undefined): string {
  const sign = gain < 0 ? "−" : "+";
  const error = standardError === undefined ? "" : ` ± ${(100 * standardError).toFixed(1)}`;
  return `${sign}${Math.abs(100 * gain).toFixed(1)}${error}`;
}
