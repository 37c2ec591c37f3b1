import { seriesColours } from "./chart.ts";

const shades = 8;
const percents = Array.from({ length: shades }, (_, i) => [i + 1, Math.round((70 * (i + 1)) / shades)] as const);

const variables = (colours: readonly string[]) => colours.map((colour, i) => `--series-${i + 1}: ${colour};`).join(" ");

/** Light and dark by the reader's system; contrasts of 4.5 to 1 and more. */
export const pageStyle: string = `
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1f24; --quiet: #59626d; --faint: #d5dae0; --panel: #f4f6f8;
  --link: #0b5cad; --right: #1f7a4d; --wrong: #c2410c; --warn: #fff4d6; ${variables(seriesColours.light)} }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --ink: #e6e9ed; --quiet: #a7b0bb; --faint: #3a424c; --panel: #1e2329;
  --link: #7db8f5; --right: #2f9e68; --wrong: #e0662f; --warn: #3a3116; ${variables(seriesColours.dark)} } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; } h3 { font-size: 1rem; margin: 0 0 0.5rem; }
a { color: var(--link); } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 1rem; background: var(--ground); padding: 0.5rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; list-style: none; padding: 0; margin: 0.75rem 0; }
.headline { font-size: 1.25rem; margin: 0.5rem 0; } .headline strong { font-size: 2.5rem; line-height: 1.1; }
.warning { background: var(--warn); padding: 0.5rem 0.75rem; border-radius: 0.4rem; }
.quiet { color: var(--quiet); } .name { color: var(--quiet); font-size: 0.8rem; }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.9rem; } caption { text-align: left; color: var(--quiet); padding: 0.25rem 0; }
th, td { padding: 0.3rem 0.6rem; text-align: right; border-bottom: 1px solid var(--faint); font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th { font-weight: 600; } th:first-child { text-align: left; } thead th { vertical-align: bottom; }
td { white-space: nowrap; }
.settings td, .prose td { text-align: left; overflow-wrap: anywhere; white-space: normal; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 26rem)); gap: 1.25rem; align-items: start; }
figure { margin: 0; } .chart svg { width: 100%; height: auto; display: block; } figcaption { font-size: 0.9rem; color: var(--quiet); }
details { margin: 0.4rem 0; font-size: 0.9rem; } summary { cursor: pointer; color: var(--link); }
.matrix td { padding: 0; min-width: 3.2rem; text-align: center; border: 1px solid var(--faint); } .matrix td.quiet { padding: 0.5rem; }
.matrix button { all: unset; box-sizing: border-box; display: block; width: 100%; min-height: 2.5rem; line-height: 2.5rem; cursor: pointer; text-decoration: underline; }
.matrix button:focus-visible { outline: 3px solid var(--link); outline-offset: -3px; }
${percents.map(([shade, percent]) => `.right.shade-${shade} { background: color-mix(in srgb, var(--right) ${Math.round(0.55 * percent)}%, var(--ground)); } .wrong.shade-${shade} { background: color-mix(in srgb, var(--wrong) ${Math.round(0.6 * percent + 8)}%, var(--ground)); }`).join("\n")}
.cell { width: min(44rem, calc(100vw - 1.5rem)); max-height: 85vh; overflow: auto; padding: 1rem; border: 1px solid var(--faint); border-radius: 0.5rem; background: var(--ground); color: var(--ink); }
.cell::backdrop { background: rgb(0 0 0 / 45%); }
.cell > button { font: inherit; padding: 0.4rem 1rem; }
.thumbnails, .mistakes { list-style: none; padding: 0; margin: 0.75rem 0; display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); font-size: 0.8rem; }
.mistakes { grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); font-size: 0.9rem; }
.thumbnails img { display: block; max-width: 100%; height: auto; } .mistakes img { max-width: 100%; height: auto; display: block; border-radius: 0.25rem; }
.thumbnails .name { display: block; }
.missing { margin: 0; padding: 0.5rem; border: 1px dashed var(--quiet); color: var(--quiet); font-size: 0.8rem; }
.findings { padding-left: 1.1rem; } .findings li { margin: 0.75rem 0; }
@media print { nav, .skip { display: none; } }
`;
