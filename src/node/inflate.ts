import { gunzipSync, inflateRawSync } from "node:zlib";
import { GraftError, messageOf } from "../base/errors.ts";

const inflaters = { gzip: gunzipSync, "deflate-raw": inflateRawSync };

/** Inflates a whole body of at most `limitBytes` bytes. Throws `input` when it is larger, cut short or damaged. */
export function inflate(bytes: Uint8Array, format: keyof typeof inflaters, limitBytes: number): Uint8Array {
  try {
    // zlib wants room for one byte at least.
    const { buffer, byteOffset, byteLength } = inflaters[format](bytes, { maxOutputLength: Math.max(1, limitBytes) });
    if (byteLength > limitBytes) throw tooLarge(limitBytes);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (thrown) {
    if (thrown instanceof GraftError) throw thrown;
    if (thrown instanceof RangeError) throw tooLarge(limitBytes, thrown);
    throw new GraftError(
      "input",
      `the ${format} data cannot be unpacked: ${messageOf(thrown)}; download the file again.`,
      {
        cause: thrown,
      },
    );
  }
}

function tooLarge(limitBytes: number, cause?: unknown): GraftError {
  const limit = limitBytes.toLocaleString("en");
  return new GraftError("input", `the data unpack to over the limit of ${limit} bytes: not what was expected.`, {
    cause,
  });
}
