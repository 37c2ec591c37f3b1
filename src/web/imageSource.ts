import { GraftError } from "../base/errors.ts";
import { limitPixels } from "../data/imageTensor.ts";
import type { ImageContent } from "../tasks/imageModel.ts";
import { decodeBlob, pixelsOf } from "./codec.ts";

/** An image as pages have it: a file, its bytes, its pixels, or what shows it. */
export type ImageSource =
  | ImageContent
  | Blob
  | ImageData
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap;

/** The bytes or pixels of an image, as it is now. Throws `input` when it shows nothing or its pixels cannot be read. */
export async function imageContent(source: ImageSource): Promise<ImageContent> {
  if (source instanceof ImageData) return imageContent(await createImageBitmap(source));
  if (source instanceof Uint8Array || "data" in source) return source;
  if (source instanceof Blob) return decodeBlob(source, limitPixels);
  const { width, height } = await shownSize(source);
  if (width === 0 || height === 0) throw new GraftError("input", "an image or video that shows nothing yet");
  try {
    return pixelsOf(source, width, height, limitPixels);
  } catch (thrown) {
    if (!(thrown instanceof DOMException) || thrown.name !== "SecurityError") throw thrown;
    throw new GraftError(
      "input",
      'pixels of another site, which the browser keeps from this page: load the image with crossorigin="anonymous", from a server that allows it',
      { cause: thrown },
    );
  }
}

async function shownSize(
  source: Exclude<ImageSource, ImageContent | Blob | ImageData>,
): Promise<{ readonly width: number; readonly height: number }> {
  if (source instanceof HTMLVideoElement) return { width: source.videoWidth, height: source.videoHeight };
  if (!(source instanceof HTMLImageElement)) return source;
  try {
    await source.decode();
  } catch (thrown) {
    throw new GraftError("input", `"${source.src}" is not an image that this browser can read`, { cause: thrown });
  }
  return { width: source.naturalWidth, height: source.naturalHeight };
}
