import { GraftError, messageOf } from "../base/errors.ts";
import type { ImageFormat } from "../data/imageFormat.ts";

/** libvips's complaint about `bytes` in plain words, to stand after the name of the file. */
export function decodeError(thrown: unknown, format: ImageFormat, bytes: Uint8Array): GraftError {
  if (thrown instanceof GraftError) return thrown;
  const words = messageOf(thrown);
  // A header that asks for what nobody has is damaged: libheif calls that an allocation error too.
  if (/out of memory|allocat/i.test(words) && !/corrupt header|security limit/i.test(words)) {
    return new GraftError("system", "not enough memory to decode it: close other programs or decode fewer at once", {
      cause: thrown,
    });
  }
  const reason = isTruncated(words, format, bytes)
    ? "ends early: the file is truncated"
    : `is cut short or damaged: its ${format.toUpperCase()} data cannot be read${detail(words)}`;
  return new GraftError("input", reason, { cause: thrown });
}

function isTruncated(words: string, format: ImageFormat, bytes: Uint8Array): boolean {
  if (/premature end|unexpected end|end of (?:file|stream)|no frames|truncated/i.test(words)) return true;
  // libpng says "read error" for every fault; a whole file ends with the chunk IEND.
  if (format === "png") return !endsWith(bytes, "IEND");
  return format === "webp" && riffLength(bytes) > bytes.byteLength;
}

function endsWith(bytes: Uint8Array, mark: string): boolean {
  return String.fromCharCode(...bytes.subarray(-64)).includes(mark);
}

/** The length that a RIFF file says it has. */
function riffLength(bytes: Uint8Array): number {
  return bytes.byteLength < 8 ? 8 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true) + 8;
}

/** What libvips adds to it, unless that says no more than that. */
function detail(words: string): string {
  const line = words.trim().split("\n").at(-1) ?? "";
  return /unsupported image format|corrupt header:$|libpng read error/.test(line) ? "" : ` (${line})`;
}
