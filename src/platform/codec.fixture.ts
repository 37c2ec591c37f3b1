import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { type Expected, edgeImages, edgeLimitPixels } from "./edgeImages.fixture.ts";
import type { Codec, Pixels } from "./platform.ts";

export interface CodecContractOptions {
  /** Reads a file of `edge-images`; left out where the set is missing. */
  readonly readEdgeImage?: ((name: string) => Promise<Uint8Array>) | undefined;
}

/** What every codec does. */
export function codecContract(name: string, makeCodec: () => Codec, options: CodecContractOptions = {}): void {
  describe(`${name} as a codec`, () => {
    const codec = makeCodec();
    roundTrips(codec);
    refusesStrangers(codec);
    readsEdgeImages(codec, options.readEdgeImage);
  });
}

function roundTrips(codec: Codec): void {
  it("gives back the pixels of an RGB PNG that it wrote", async () => {
    const pixels = ramp(5, 3, 3);
    expect(await codec.decode(await codec.encodePng(pixels), 15)).toEqual(pixels);
  });

  it("repeats the channel of a gray PNG that it wrote", async () => {
    const gray = ramp(4, 2, 1);
    const { data } = await codec.decode(await codec.encodePng(gray), 8);
    expect(data).toEqual(Uint8Array.from({ length: 24 }, (_, i) => gray.data[Math.floor(i / 3)] ?? -1));
  });

  it("gives back a plain colour from a JPEG that it wrote, but for rounding", async () => {
    const data = Uint8Array.from({ length: 16 * 8 * 3 }, (_, at) => [200, 120, 40][at % 3] ?? 0);
    const jpeg = await codec.encodeJpeg({ width: 16, height: 8, channels: 3, data }, 90);
    const { width, height, data: read } = await codec.decode(jpeg, 128);
    expect([width, height]).toEqual([16, 8]);
    // One quantisation step of 4 in luma and chroma, then two conversions of colour.
    for (const [at, level] of read.entries()) expect(Math.abs(level - (data[at] ?? 0))).toBeLessThanOrEqual(8);
  });

  it("reads bytes that lie inside a larger buffer", async () => {
    const png = await codec.encodePng(ramp(5, 3, 3));
    const larger = new Uint8Array(png.length + 20);
    larger.set(png, 10);
    expect(await codec.decode(larger.subarray(10, 10 + png.length), 15)).toEqual(ramp(5, 3, 3));
  });

  it("counts pixels against the limit", async () => {
    const png = await codec.encodePng(ramp(5, 3, 3));
    await refused(codec.decode(png, 14), /^5×3 pixels, over the limit of 14$/);
  });
}

function refusesStrangers(codec: Codec): void {
  const strangers: readonly (readonly [string, string, RegExp])[] = [
    ["nothing", "", /^is empty: 0 bytes$/],
    ["text", "hello", /^not an image file \(unknown format\); expected JPEG, PNG/],
    ["a web page", "<!DOCTYPE html><p>404", /^not an image file \(a web page: the download failed\)/],
    ["an SVG drawing", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', /an SVG drawing/],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\n", /git lfs pull/],
  ];
  it.each(strangers)("refuses %s", async (_, content, message) => {
    await refused(codec.decode(new TextEncoder().encode(content), 100), message);
  });

  it("refuses a PNG that ends early", async () => {
    const png = await codec.encodePng(ramp(50, 30, 3));
    await refused(codec.decode(png.subarray(0, png.length / 2), 1500), /^ends early: the file is truncated$/);
  });
}

function readsEdgeImages(codec: Codec, read: CodecContractOptions["readEdgeImage"]): void {
  const skipped = read === undefined ? " (skipped: no folder ../shared/data/edge-images beside the repository)" : "";
  describe.skipIf(read === undefined)(`on edge-images${skipped}`, () => {
    const decode = async (name: string) => codec.decode((await read?.(name)) ?? new Uint8Array(), edgeLimitPixels);

    it.each(Object.entries(edgeImages))("%s", async (name, expected) => {
      if ("error" in expected) await refused(decode(name), expected.error);
      else matches(await decode(name), expected, /\.jpe?g$/.test(name) ? lossy : lossless);
    });

    it("turns every EXIF orientation to the same picture", async () => {
      const upright = await decode("Landscape_1.jpg");
      for (const orientation of [0, 2, 3, 4, 5, 6, 7, 8]) {
        const turned = await decode(`Landscape_${orientation}.jpg`);
        expect([turned.width, turned.height]).toEqual([upright.width, upright.height]);
        // Each file was compressed anew: they differ by up to 3.7 levels on average, a half turn or a mirrored one by over 70.
        expect(meanDifference(turned.data, upright.data)).toBeLessThan(orientationTolerance);
      }
    });
  });
}

const orientationTolerance = 6;

/** Levels by which a decoder may differ from the reference, in one value and in a channel's mean. */
interface Tolerance {
  readonly value: number;
  readonly mean: number;
}

/** The JPEG standard lets the inverse transform be off by one in Y, Cb and Cr; B = Y + 1.772 Cb makes that up to 3. */
const lossy: Tolerance = { value: 3, mean: 0.5 };

/** Blending with white rounds up or down. */
const lossless: Tolerance = { value: 1, mean: 0.1 };

function matches(pixels: Pixels, expected: Extract<Expected, { width: number }>, tolerance: Tolerance): void {
  const { width, height, channels, data } = pixels;
  expect({ width, height, channels }).toEqual({ width: expected.width, height: expected.height, channels: 3 });
  expect(data.length).toBe(3 * width * height);
  for (const [x, y, colour] of expected.pixels) {
    const found = data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3);
    expect(maxDifference(found, colour), `pixel ${x},${y}: found ${found}, expected ${colour}`).toBeLessThanOrEqual(
      tolerance.value,
    );
  }
  expect(maxDifference(channelMeans(data), expected.mean)).toBeLessThanOrEqual(tolerance.mean);
}

function channelMeans(data: Uint8Array): readonly number[] {
  const sums = [0, 0, 0];
  for (let i = 0; i < data.length; i++) sums[i % 3] = (sums[i % 3] ?? 0) + (data[i] ?? 0);
  return sums.map((sum) => sum / (data.length / 3));
}

function maxDifference(a: ArrayLike<number>, b: readonly number[]): number {
  return Math.max(...b.map((value, i) => Math.abs(value - (a[i] ?? Number.NaN))));
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  return sum / a.length;
}

function ramp(width: number, height: number, channels: 1 | 3): Pixels {
  return {
    width,
    height,
    channels,
    data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 17) % 256),
  };
}

async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GraftError);
  expect(thrown).toMatchObject({ code: "input", message: expect.stringMatching(message) });
}
