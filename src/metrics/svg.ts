/** Colours that stay apart for most eyes (Okabe & Ito 2008), black last. */
export const svgColours = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#f0e442",
  "#999999",
  "#332288",
  "#000000",
] as const;

/** The colour of a name's place in a list; from the eleventh on they come again. */
export function svgColour(place: number): string {
  return svgColours[place % svgColours.length] ?? "#000000";
}

/** A drawing of so many pixels on white. */
export function svgDrawing(width: number, height: number, parts: readonly string[]): string {
  const all = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" text-anchor="middle">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...parts,
    "</svg>",
  ];
  return `${all.join("\n")}\n`;
}

/** Words around a place, or from it with another anchor. */
export function svgText(x: number, y: number, content: string, style = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${style === "" ? "" : ` ${style}`}>${svgEscaped(content)}</text>`;
}

/** Words as they may stand between tags; what no XML may hold is replaced. */
export function svgEscaped(content: string): string {
  return content
    .replace(/[\p{Cc}\ufffe\uffff]/gu, "\uFFFD")
    .replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function svgLine(from: readonly [number, number], to: readonly [number, number], style: string): string {
  const [x1, y1] = from.map((value) => value.toFixed(1));
  const [x2, y2] = to.map((value) => value.toFixed(1));
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${style}/>`;
}
