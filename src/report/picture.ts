import { base64 } from "../base/base64.ts";
import { type Html, html } from "./html.ts";

/** An image as a page can show it: a JPEG or PNG file with its size in pixels, or why it cannot. */
export type Picture =
  | {
      readonly kind: "picture";
      readonly mediaType: "image/jpeg" | "image/png";
      readonly bytes: Uint8Array;
      readonly width: number;
      readonly height: number;
    }
  | { readonly kind: "missing"; readonly reason: string };

/** The picture within the page itself, or a box that says why there is none. */
export function pictureOf(picture: Picture, alternative: string): Html {
  if (picture.kind === "missing") return html`<p class="missing">${picture.reason}</p>`;
  const { mediaType, bytes, width, height } = picture;
  return html`<img alt="${alternative}" width="${width}" height="${height}" src="data:${mediaType};base64,${base64(bytes)}">`;
}
