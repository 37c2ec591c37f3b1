/** Rows of cells under one another: the first column to the left, the others to the right, two spaces between. An empty row is a blank line. */
export function alignTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) => pad(cell, widths[column], column === 0 ? "left" : "right")),
  );
  return lines.map((cells) => cells.join("  ").trimEnd()).join("\n");
}

/** `text` in at most `limit` columns, with an ellipsis where it was cut; characters that drive the terminal or turn the direction of writing are replaced. */
export function truncate(text: string, limit: number): string {
  const clean = text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "\uFFFD");
  if (widthOf(clean) <= limit) return clean;
  let kept = "";
  let width = 1;
  for (const { segment } of graphemesOf(clean)) {
    width += widthOf(segment);
    if (width > limit) break;
    kept += segment;
  }
  return `${kept}…`;
}

// East Asian scripts, full-width forms and emoji take two columns of a terminal.
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;

/** How many terminal columns `text` takes. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

function pad(text: string, width: number, side: "left" | "right"): string {
  const spaces = " ".repeat(width - widthOf(text));
  return side === "left" ? text + spaces : spaces + text;
}

let segmenter: Intl.Segmenter | undefined;

/** Its tables cost 10 ms, so it is made when there is text to be measured. */
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}
