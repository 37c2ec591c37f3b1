import { GraftError } from "../base/errors.ts";

export type ImageFormat = (typeof formats)[number]["name"];

/** The format that the first bytes announce. Throws `input` for anything else, saying what it seems to be. */
export function formatOf(bytes: Uint8Array): ImageFormat {
  if (bytes.byteLength === 0) throw new GraftError("input", "is empty: 0 bytes");
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  for (const { name, marks } of formats) if (marks.some((mark) => bears(start, mark))) return name;
  throw new GraftError(
    "input",
    `not an image file (${guess(start)}); expected JPEG, PNG, WebP, GIF, TIFF, AVIF or PPM`,
  );
}

/** The letters that a file has at its start, or after the 4 or 8 bytes of a length. */
type Mark = string | { readonly at: number; readonly is: string };

const formats = [
  { name: "jpeg", marks: ["\xff\xd8\xff"] },
  { name: "png", marks: ["\x89PNG\r\n\x1a\n"] },
  { name: "gif", marks: ["GIF87a", "GIF89a"] },
  { name: "webp", marks: [{ at: 8, is: "WEBP" }] },
  { name: "tiff", marks: ["II*\0", "MM\0*", "II+\0", "MM\0+"] },
  { name: "avif", marks: ["avif", "avis", "mif1", "msf1"].map((brand) => ({ at: 4, is: `ftyp${brand}` })) },
  {
    name: "pnm",
    marks: ["P2", "P3", "P5", "P6"].flatMap((kind) => [`${kind}\n`, `${kind} `, `${kind}\r`, `${kind}\t`]),
  },
] as const satisfies readonly { readonly name: string; readonly marks: readonly Mark[] }[];

/** Common strangers in a folder of photos. */
const strangers: readonly { readonly name: string; readonly marks: readonly Mark[] }[] = [
  { name: 'a Git LFS pointer: run "git lfs pull"', marks: ["version https://git-lfs"] },
  { name: "a web page: the download failed", marks: ["<!doctype html", "<!DOCTYPE html", "<html", "<HTML"] },
  { name: "an SVG drawing or another XML file: convert it to PNG", marks: ["<?xml", "<svg", "<!--"] },
  { name: "a BMP file: convert it to PNG", marks: ["BM"] },
  { name: "a HEIC photo: convert it to JPEG", marks: ["heic", "heix"].map((brand) => ({ at: 4, is: `ftyp${brand}` })) },
  { name: "a PDF document", marks: ["%PDF"] },
  { name: "a ZIP archive", marks: ["PK\x03\x04"] },
  { name: "only zero bytes", marks: ["\0\0\0\0\0\0\0\0"] },
];

function guess(start: string): string {
  return strangers.find(({ marks }) => marks.some((mark) => bears(start, mark)))?.name ?? "unknown format";
}

function bears(start: string, mark: Mark): boolean {
  return typeof mark === "string" ? start.startsWith(mark) : start.startsWith(mark.is, mark.at);
}
