import { GraftError } from "../base/errors.ts";
import type { Codec, Pixels } from "../platform/platform.ts";

/** The browser's own decoder. Colour profiles are ignored, EXIF orientation is applied, what shows through alpha is white. */
export function createBrowserCodec(): Codec {
  return {
    decode: (bytes, limitPixels) => decodeBlob(new Blob([bytes.slice()]), limitPixels),
    encodePng: async (pixels) => bytesOf(await encodePng(pixels)),
    encodeJpeg: async (pixels, quality) =>
      bytesOf(await canvasOf(pixels).convertToBlob({ type: "image/jpeg", quality: quality / 100 })),
  };
}

/** The pixels of an image's file. Throws `input` when the browser cannot read it, or it has over `limitPixels` pixels. */
export async function decodeBlob(file: Blob, limitPixels: number): Promise<Pixels> {
  if (file.size === 0) throw new GraftError("input", "the file is empty");
  const bitmap = await bitmapOf(file);
  try {
    return pixelsOf(bitmap, bitmap.width, bitmap.height, limitPixels);
  } finally {
    bitmap.close();
  }
}

/** The pixels that a picture shows now. Throws `input` for over `limitPixels` pixels, or more than the browser can read back. */
export function pixelsOf(
  picture: CanvasImageSource,
  width: number,
  height: number,
  limitPixels: number,
): Pixels & { readonly channels: 3 } {
  if (width * height > limitPixels)
    throw new GraftError("input", `${width}×${height} pixels, over the limit of ${limitPixels.toLocaleString("en")}`);
  const canvas = contextOf(width, height);
  canvas.fillStyle = "white";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(picture, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  return { width, height, channels: 3, data: withoutAlpha(data) };
}

/** A PNG file of RGB or gray pixels. */
export function encodePng(pixels: Pixels): Promise<Blob> {
  return canvasOf(pixels).convertToBlob({ type: "image/png" });
}

async function bytesOf(file: Blob): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

function canvasOf({ width, height, channels, data }: Pixels): OffscreenCanvas {
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let i = 0; i < 3; i++) rgba[4 * pixel + i] = data[channels * pixel + (channels === 1 ? 0 : i)] ?? 0;
  }
  const context = contextOf(width, height);
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
  return context.canvas;
}

async function bitmapOf(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch (thrown) {
    throw new GraftError("input", "not an image that this browser can read: use a JPEG, PNG or WebP", {
      cause: thrown,
    });
  }
}

/** Kept in main memory: pixels are read back, and drawn by the processor as exactly as they are read. */
function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null)
    throw new GraftError("input", `${width}×${height} pixels are more than this browser can read: make it smaller`);
  return context;
}

/** [H, W, 4] → [H, W, 3] */
function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from] ?? 0;
    rgb[to + 1] = rgba[from + 1] ?? 0;
    rgb[to + 2] = rgba[from + 2] ?? 0;
  }
  return rgb;
}
