import { Tensor } from "../base/tensor.ts";
import type { Pixels } from "../platform/platform.ts";

/** Images larger than this many pixels are refused before they are decoded. */
export const limitPixels = 50_000_000;

/** RGB bytes as a batch of one. Gray is repeated. */
export function imageTensor({ width, height, channels, data }: Pixels): Tensor {
  if (channels === 3) return Tensor.of("uint8", [1, height, width, 3], data);
  const rgb = new Uint8Array(3 * data.length);
  data.forEach((level, i) => {
    rgb.fill(level, 3 * i, 3 * i + 3);
  });
  return Tensor.of("uint8", [1, height, width, 3], rgb);
}
