import type { Metadata, Sharp } from "sharp";
import { GraftError } from "../base/errors.ts";
import { formatOf } from "../data/imageFormat.ts";
import type { Codec, Pixels } from "../platform/platform.ts";
import { decodeError } from "./decodeError.ts";
import { decodePnm } from "./pnm.ts";
import { loadSharp } from "./sharp.ts";

/**
 * A codec over libvips (`sharp`), with Pillow's `convert("RGB")` as the model, because published weights were trained on it:
 * ICC profiles are ignored (a photo in Adobe RGB keeps its numbers) and CMYK is mixed by (1-C)(1-K).
 * Unlike Pillow, EXIF orientation is applied, 16 bits are scaled and not clipped, and what shows through alpha is white.
 */
export function createCodec(): Codec {
  return { decode, encodePng, encodeJpeg };
}

async function decode(bytes: Uint8Array, limitPixels: number): Promise<Pixels> {
  const format = formatOf(bytes);
  if (format === "pnm") return decodePnm(bytes, limitPixels);
  const sharp = await loadSharp();
  try {
    const header = await sharp(bytes, { limitInputPixels: false }).metadata();
    checkSize(header, limitPixels);
    return await pixelsOf(sharp(bytes, { failOn, ignoreIcc: true, limitInputPixels: limitPixels }), header);
  } catch (thrown) {
    throw decodeError(thrown, format, bytes);
  }
}

/**
 * "error" and "truncated" refuse every truncated file of our edge images and pass the valid but odd ones;
 * "warning" would also refuse photos that every viewer shows (stray bytes between the segments of a JPEG).
 */
const failOn = "error";

async function encodePng(pixels: Pixels): Promise<Uint8Array> {
  return viewOf(await (await imageOf(pixels)).png().toBuffer());
}

async function encodeJpeg(pixels: Pixels, quality: number): Promise<Uint8Array> {
  return viewOf(await (await imageOf(pixels)).jpeg({ quality }).toBuffer());
}

async function imageOf({ data, width, height, channels }: Pixels): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels } }).toColourspace(channels === 1 ? "b-w" : "srgb");
}

async function pixelsOf(image: Sharp, header: Metadata): Promise<Pixels> {
  // libvips would mix CMYK through a printing profile, so we take the inks and mix them ourselves.
  const isInk = header.space === "cmyk";
  const oriented = image.autoOrient().flatten({ background: "white" });
  const target = isInk ? oriented.pipelineColourspace("cmyk").toColourspace("cmyk") : oriented.toColourspace("srgb");
  const { data, info } = await target.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const expected = isInk ? 4 : 3;
  if (info.channels !== expected) {
    throw new GraftError(
      "input",
      `decodes to ${info.channels} channels, expected ${expected}: convert it to an RGB PNG.`,
    );
  }
  return { width, height, channels: 3, data: isInk ? mixInks(data) : viewOf(data) };
}

/** CMYK, 0 being no ink, to RGB. */
function mixInks(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  let at = 0;
  for (let i = 0; i < inks.length; i += 4) {
    const light = 255 - (inks[i + 3] ?? 0);
    for (let ink = i; ink < i + 3; ink++) rgb[at++] = Math.round(((255 - (inks[ink] ?? 0)) * light) / 255);
  }
  return rgb;
}

function checkSize({ width, height }: Metadata, limitPixels: number): void {
  if (width * height <= limitPixels) return;
  throw new GraftError("input", `${width}×${height} pixels, over the limit of ${limitPixels.toLocaleString("en")}`);
}

/** Node's Buffer as the plain array that it is, without a copy. */
function viewOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
