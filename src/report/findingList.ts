import { type Html, html } from "./html.ts";

/** What a check of the data found. */
export interface FoundInData {
  readonly severity: string;
  readonly check: string;
  readonly found: string;
  readonly why: string;
  readonly advice: string;
}

export function findingList(findings: readonly FoundInData[], origin: string): Html {
  const list =
    findings.length === 0
      ? html`<p>Nothing was found.</p>`
      : html`<ul class="findings">${findings.map(
          ({ severity, check, found, why, advice }) =>
            html`<li><strong>${severity}: ${check.replaceAll("-", " ")}</strong><br>${found}.<br>${why}<br>→ ${advice}</li>
`,
        )}</ul>`;
  return html`<p>${origin}</p>${list}`;
}
