import { base64 } from "../base/base64.ts";
import { type Html, html, trusted } from "./html.ts";
import { pageStyle } from "./pageStyle.ts";

/** A part of the page, under a heading. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

export interface Page {
  readonly title: string;
  /** What it is about, in a line. */
  readonly subject: string;
  /** What a reader should know before the figures. */
  readonly warnings: readonly string[];
  readonly sections: readonly Section[];
}

/** The whole file. It loads nothing and runs no script: its policy allows its own style and the images within it, no more. */
export function pageOf({ title, subject, warnings, sections }: Page, sha256: (bytes: Uint8Array) => string): string {
  const style = `sha256-${base64(bytesOfHex(sha256(new TextEncoder().encode(pageStyle))))}`;
  const policy = `default-src 'none'; style-src '${style}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(pageStyle)}</style>
</head>
<body>
<a class="skip" href="#main">To the result</a>
<header><h1>${title}</h1><p>${subject}</p>
<nav aria-label="Sections"><ul>${sections.map((one) => html`<li><a href="#${one.id}">${one.title}</a></li>`)}</ul></nav>
</header>
<main id="main">
${warnings.map((text) => html`<p class="warning"><strong>Note:</strong> ${text}</p>`)}
${sections.map(sectionOf)}
</main>
</body>
</html>
`.text;
}

function sectionOf({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}
</section>
`;
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
