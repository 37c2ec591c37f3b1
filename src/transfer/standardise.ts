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

/** Measures features [N, width], batch by batch, each merged into what was seen (Chan, Golub & LeVeque 1983, eq. 2.1). */
export async function measureStandardisation(data: TrainingData): Promise<Standardisation> {
  const [width = 0] = data.inputShape;
  const mean = new Float64Array(width);
  const all = Uint32Array.from({ length: data.count }, (_, i) => i);
  let squares = 0;
  let seen = 0;
  for (const batch of cutBatches(all, rowsAtOnce)) {
    const { floats } = await data.load(batch, undefined);
    const own = columnMeans(floats, batch.length, width);
    squares += squaresAround(own, floats);
    const share = batch.length / (seen + batch.length);
    for (let k = 0; k < width; k++) {
      const difference = (own[k] ?? 0) - (mean[k] ?? 0);
      squares += difference * difference * seen * share;
      mean[k] = (mean[k] ?? 0) + difference * share;
    }
    seen += batch.length;
  }
  return { mean, scale: squares > 0 ? Math.sqrt((seen * width) / squares) : 0 };
}

function columnMeans(floats: Float32Array, rows: number, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let k = 0; k < width; k++, at++) sums[k] = (sums[k] ?? 0) + (floats[at] ?? 0);
  }
  return sums.map((sum) => sum / rows);
}

/** Σ (x − mean)² over all rows and columns. */
function squaresAround(mean: Float64Array, floats: Float32Array): number {
  const width = mean.length;
  let squares = 0;
  for (let at = 0; at < floats.length; ) {
    for (let k = 0; k < width; k++, at++) squares += ((floats[at] ?? 0) - (mean[k] ?? 0)) ** 2;
  }
  return squares;
}

/** The same data with its features standardised. */
export function standardised(data: TrainingData, { mean, scale }: Standardisation): TrainingData {
  const [width = 0] = data.inputShape;
  return {
    ...data,
    async load(indices, epoch) {
      const features = await data.load(indices, epoch);
      const { floats } = features;
      const values = new Float32Array(floats.length);
      for (let at = 0; at < floats.length; ) {
        for (let k = 0; k < width; k++, at++) values[at] = ((floats[at] ?? 0) - (mean[k] ?? 0)) * scale;
      }
      return Tensor.of("float32", features.shape, values);
    },
  };
}
