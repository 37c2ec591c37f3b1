import type { Pixels } from "../platform/platform.ts";

/** The image with a longer side of `side` pixels at most, each the mean of those it stands for. */
export function shrunk(image: Pixels, side: number): Pixels {
  const scale = side / Math.max(image.width, image.height);
  if (scale >= 1) return image;
  const [width, height] = [image.width, image.height].map((length) => Math.max(1, Math.round(length * scale)));
  if (width === undefined || height === undefined) return image;
  const { channels } = image;
  const data = new Uint8Array(width * height * channels);
  const columns = spans(image.width, width);
  let to = 0;
  for (const [top, bottom] of spans(image.height, height)) {
    for (const [left, right] of columns) {
      for (let channel = 0; channel < channels; channel++) {
        let total = 0;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) total += image.data[(y * image.width + x) * channels + channel] ?? 0;
        }
        data[to++] = Math.round(total / ((bottom - top) * (right - left)));
      }
    }
  }
  return { width, height, channels, data };
}

/** From where to where each of `count` pixels reaches. */
function spans(length: number, count: number): readonly (readonly [from: number, to: number])[] {
  return Array.from({ length: count }, (_, i) => [
    Math.floor((i * length) / count),
    Math.max(Math.floor((i * length) / count) + 1, Math.floor(((i + 1) * length) / count)),
  ]);
}
