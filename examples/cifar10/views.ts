import { stream } from "../../src/base/random.ts";
import { Tensor } from "../../src/base/tensor.ts";
import type { TrainingData } from "../../src/train/data.ts";

const side = 32;
const pixelBytes = 3;
const furthest = 2;

/** How an image is looked at: mirrored or not, and moved by whole pixels; what lies outside repeats the inside, reflected. */
export interface View {
  readonly mirrored: boolean;
  readonly right: number;
  readonly down: number;
}

/**
 * In training each image moves by up to two pixels and is mirrored in every second epoch, half of the images first in one way: each pair
 * of epochs sees both, where chance repeats itself (Jordan 2024, §3.6).
 */
export function trainingViews(seed: number): (sample: number, epoch: number) => View {
  return (sample, epoch) => {
    const shift = stream(seed, "shift", epoch, sample);
    return {
      mirrored: (stream(seed, "mirror", sample).bits() + epoch) % 2 === 0,
      right: shift.below(2 * furthest + 1) - furthest,
      down: shift.below(2 * furthest + 1) - furthest,
    };
  };
}

/** How the trained network looks at a test image: as it is and moved by a pixel, each mirrored too (Jordan 2024, §3.5). */
export const votingViews: readonly (View & { readonly weight: number })[] = [false, true].flatMap((mirrored) => [
  { mirrored, right: 0, down: 0, weight: 2 },
  { mirrored, right: 1, down: 1, weight: 1 },
  { mirrored, right: -1, down: -1, weight: 1 },
]);

/** The same images, uint8 [N, 32, 32, 3], each looked at in its own way. */
export function viewed(data: TrainingData, viewOf: (sample: number, epoch: number) => View): TrainingData {
  return {
    ...data,
    async load(batch, epoch) {
      const images = await data.load(batch, epoch);
      const seen = new Uint8Array(images.bytes.length);
      for (const [i, sample] of batch.entries()) {
        const start = i * side * side * pixelBytes;
        copyImage(images.bytes.subarray(start), seen.subarray(start), viewOf(sample, epoch ?? 0));
      }
      return Tensor.of("uint8", images.shape, seen);
    },
  };
}

function copyImage(from: Uint8Array, to: Uint8Array, { mirrored, right, down }: View): void {
  for (let y = 0; y < side; y++) {
    const row = inside(y - down) * side;
    for (let x = 0; x < side; x++) {
      const column = inside(x - right);
      const source = (row + (mirrored ? side - 1 - column : column)) * pixelBytes;
      const target = (y * side + x) * pixelBytes;
      for (let channel = 0; channel < pixelBytes; channel++) to[target + channel] = from[source + channel] ?? 0;
    }
  }
}

/** A place outside, reflected at the edge pixel. */
function inside(place: number): number {
  if (place < 0) return -place;
  return place < side ? place : 2 * (side - 1) - place;
}
