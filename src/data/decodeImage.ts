import { GraftError } from "../base/errors.ts";
import type { Pixels, Platform } from "../platform/platform.ts";
import type { RawImage } from "./source.ts";

/** The pixels of a raw image. Throws `input` with a plain reason when the bytes are not one. */
export async function decodeImage(
  image: RawImage,
  { codec }: Pick<Platform, "codec">,
  limitPixels: number,
): Promise<Pixels> {
  if (image.kind === "pixels") return image.pixels;
  const { bytes } = image;
  if (bytes.length === 0) throw new GraftError("input", "the file is empty");
  const start = new TextDecoder().decode(bytes.subarray(0, 64));
  if (start.startsWith("version https://git-lfs")) {
    throw new GraftError("input", 'a Git LFS pointer, not an image: run "git lfs pull"');
  }
  if (/^\s*<(!doctype html|html)/i.test(start))
    throw new GraftError("input", "a web page, not an image: download it again");
  return codec.decode(bytes, limitPixels);
}
