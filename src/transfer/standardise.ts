import { Tensor } from "../base/tensor.ts";
import { cutBatches } from "../train/batches.ts";
import type { TrainingData } from "../train/data.ts";

/**
 * What gives features mean zero and, taken together, variance one on the data that they were measured on. One scale for all:
 * with a handful of images the deviation of a single feature is mostly chance, and dividing by it lets the quietest features shout.
 */
export interface Standardisation {
  readonly mean: Float64Array;
  /** Zero where nothing ever changes. */
  readonly scale: number;
}

const rowsAtOnce = 1024;

/** Measures features [N, width] in one pass, by Chan's update of mean and sum of squares (Chan, Golub & LeVeque 1983). */
export async function measureStandardisation(data: TrainingData): Promise<Standardisation> {
  const [width = 0] = data.inputShape;
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  const all = Uint32Array.from({ length: data.count }, (_, i) => i);
  let seen = 0;
  for (const batch of cutBatches(all, rowsAtOnce)) {
    const { floats } = await data.load(batch, undefined);
    for (let row = 0; row < batch.length; row++) {
      seen++;
      for (let k = 0; k < width; k++) {
        const value = floats[row * width + k] ?? 0;
        const before = value - (mean[k] ?? 0);
        mean[k] = (mean[k] ?? 0) + before / seen;
        squares[k] = (squares[k] ?? 0) + before * (value - (mean[k] ?? 0));
      }
    }
  }
  const total = squares.reduce((sum, one) => sum + one, 0);
  return { mean, scale: total > 0 ? Math.sqrt((seen * width) / total) : 0 };
}

/** The same data with its features standardised. */
export function standardised(data: TrainingData, { mean, scale }: Standardisation): TrainingData {
  const [width = 0] = data.inputShape;
  return {
    ...data,
    async load(indices, epoch) {
      const features = await data.load(indices, epoch);
      const values = features.floats.map((value, i) => (value - (mean[i % width] ?? 0)) * scale);
      return Tensor.of("float32", features.shape, values);
    },
  };
}
