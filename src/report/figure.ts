import { base64 } from "../base/base64.ts";
import { type ChartSpec, drawChart, pageTheme } from "./chart.ts";
import { type Html, type HtmlPart, html, trusted } from "./html.ts";
import { type Table, tableOf } from "./table.ts";

/** A chart with all that a page shows beside it. */
export interface Figure {
  /** Unique in the page; names the file of the specification. */
  readonly id: string;
  /** What it shows, for those who do not see it too. */
  readonly caption: HtmlPart;
  readonly spec: ChartSpec;
  /** Its data, where they are few enough to be read. */
  readonly table?: Table;
}

const vegaLite = "https://vega.github.io/schema/vega-lite/v6.json";

/** The chart drawn for a page, with its data as a table and its specification to take away. */
export async function figureOf({ id, caption, spec, table }: Figure): Promise<Html> {
  const svg = await drawChart(spec, pageTheme);
  const json = JSON.stringify({ $schema: vegaLite, ...spec });
  const address = `data:application/json;base64,${base64(new TextEncoder().encode(json))}`;
  return html`<figure class="chart" id="${id}">
<div aria-hidden="true">${trusted(svg)}</div>
<figcaption>${caption}</figcaption>
<details><summary>Data<span class="hidden"> of the chart ${id}</span></summary>
${table === undefined ? undefined : tableOf(table)}
<p><a download="${id}.vl.json" href="${address}">${id}.vl.json</a>, the chart as Vega-Lite</p>
</details>
</figure>
`;
}
