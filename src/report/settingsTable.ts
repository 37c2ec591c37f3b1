import { type Html, html } from "./html.ts";
import { tableOf } from "./table.ts";

/** Every setting with its value as JSON. */
export function settingsTable(settings: Readonly<Record<string, unknown>>, command: string): Html {
  const rows = Object.entries(settings).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return html`<p>The same again: <code>${command}</code></p>
<div class="settings">${tableOf({ caption: "Settings", columns: ["setting", "value"], rows })}</div>`;
}
