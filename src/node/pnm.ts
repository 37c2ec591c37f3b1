import { GraftError } from "../base/errors.ts";
import type { Pixels } from "../platform/platform.ts";

/**
 * RGB pixels of a portable gray map or pixmap (P2, P3, P5, P6 of Netpbm), which libvips reads only in larger builds
 * and in which traffic-sign sets come. Throws `input`.
 */
export function decodePnm(bytes: Uint8Array, limitPixels: number): Pixels {
  const header = readHeader(bytes);
  const { width, height } = header;
  if (width * height > limitPixels) {
    throw new GraftError("input", `${width}×${height} pixels, over the limit of ${limitPixels.toLocaleString("en")}`);
  }
  const channels = header.kind === 3 || header.kind === 6 ? 3 : 1;
  const count = width * height * channels;
  const samples = header.kind > 3 ? binary(bytes, header, count) : plain(bytes, header, count);
  return { width, height, channels: 3, data: toRgb(samples, channels, header.maximum) };
}

interface Header {
  /** The digit after the P. */
  readonly kind: number;
  readonly width: number;
  readonly height: number;
  readonly maximum: number;
  /** Where the samples start. */
  readonly start: number;
}

type Samples = ArrayLike<number>;

/** Magic, width, height and maximum, between white space and comments; one white space ends the header. */
const headerPattern = /^P([2356])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)\s/;

function readHeader(bytes: Uint8Array): Header {
  const match = headerPattern.exec(text(bytes.subarray(0, 4096)));
  const [kind = 0, width = 0, height = 0, maximum = 0] = match?.slice(1).map(Number) ?? [];
  if (match === null || width < 1 || height < 1 || maximum < 1 || maximum > 65535) {
    throw new GraftError("input", "is damaged: its PNM header cannot be read");
  }
  return { kind, width, height, maximum, start: match[0].length };
}

function binary(bytes: Uint8Array, { start, maximum }: Header, count: number): Samples {
  const wide = maximum > 255;
  const body = bytes.subarray(start, start + count * (wide ? 2 : 1));
  if (body.length < count * (wide ? 2 : 1)) throw endsEarly();
  if (!wide) return body;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return Uint16Array.from({ length: count }, (_, i) => view.getUint16(2 * i));
}

function plain(bytes: Uint8Array, { start }: Header, count: number): Samples {
  const words = text(bytes.subarray(start))
    .replace(/#[^\n]*/g, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  if (words.length < count) throw endsEarly();
  return Uint16Array.from(words.slice(0, count), Number);
}

/** Samples 0 … maximum of one or three channels → three channels of 0 … 255. */
function toRgb(samples: Samples, channels: 1 | 3, maximum: number): Uint8Array {
  const rgb = new Uint8Array((samples.length / channels) * 3);
  for (let i = 0; i < rgb.length; i++) {
    const sample = samples[channels === 3 ? i : Math.floor(i / 3)] ?? 0;
    rgb[i] = maximum === 255 ? sample : Math.round((Math.min(sample, maximum) * 255) / maximum);
  }
  return rgb;
}

function endsEarly(): GraftError {
  return new GraftError("input", "ends early: the file is truncated");
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
