import type { Config, TopLevelSpec } from "vega-lite";

/** A chart as Vega-Lite describes it, colours and fonts aside. */
export type ChartSpec = TopLevelSpec;

/** The look of a drawing. */
export type ChartTheme = Config;

/** Colours of lines on light and on dark ground, which stay apart for most eyes (after Okabe & Ito 2008). */
export const seriesColours = {
  light: ["#0072b2", "#c95f00", "#008a64", "#b0508c", "#2f86b8", "#8a6d00", "#6a6a6a", "#332288", "#a33a3a", "#1a1a1a"],
  dark: ["#56b4e9", "#f0a04b", "#2fc79a", "#e08fc2", "#9ad0f5", "#e3cf4a", "#b5b5b5", "#a99cf0", "#ff9a8f", "#f2f2f2"],
} as const;

/** Black on white, for files of their own. */
export const paperTheme: ChartTheme = theme({
  ink: "#1a1a1a",
  faint: "#dddddd",
  series: seriesColours.light,
  background: "white",
  labelLimit: 320,
});

/** Colours of the page around it, which change with light and dark. */
export const pageTheme: ChartTheme = theme({
  ink: "currentColor",
  faint: "var(--faint)",
  series: seriesColours.light.map((_, i) => `var(--series-${i + 1})`),
  background: "transparent",
  // Two names beside each other on a phone; the table beneath has them whole.
  labelLimit: 125,
});

/** Draws a chart as SVG. It needs no DOM and loads nothing. A mark with a description shows it to who points at it. */
export async function drawChart(spec: ChartSpec, look: ChartTheme = paperTheme): Promise<string> {
  // Loaded when the first chart is drawn: most commands draw none.
  const [{ View, logger, parse }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  const { spec: compiled } = compile(spec, { config: look, logger: logger(0) });
  const view = new View(parse(compiled), { renderer: "none", logger: logger(0) });
  try {
    return titled(await view.toSVG()).replace(unwritable, "\uFFFD");
  } finally {
    view.finalize();
  }
}

/** What no XML may hold. */
const unwritable = /[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu;
const described = /<path aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*" ([^>]*)\/>/g;

/** Browsers show a title where the mouse is, which Vega's file has no other word for. */
function titled(svg: string): string {
  return svg.replace(described, "<path $2><title>$1</title></path>");
}

function theme(look: {
  readonly ink: string;
  readonly faint: string;
  readonly series: readonly string[];
  readonly background: string;
  readonly labelLimit: number;
}): ChartTheme {
  const { ink, faint, background, labelLimit } = look;
  const text = {
    labelColor: ink,
    titleColor: ink,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
  } as const;
  return {
    // The page describes each chart and gives its data as a table.
    aria: false,
    background,
    font: "system-ui, sans-serif",
    padding: 4,
    range: { category: [...look.series] },
    view: { stroke: faint },
    title: { color: ink, fontSize: 13 },
    axis: { ...text, grid: true, gridColor: faint, domainColor: faint, tickColor: faint, labelFlush: false },
    legend: { ...text, orient: "top", labelLimit, symbolStrokeWidth: 3, columns: 2 },
    rule: { color: ink },
    header: text,
  };
}
