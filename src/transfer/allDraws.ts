import { sizeOf, Tensor } from "../base/tensor.ts";
import { pickTargets, type TrainingData } from "../train/data.ts";
import { drawsPerImage } from "./featureCache.ts";

/** Every draw of every image as an image of its own: row d·count + i is draw d of image i. */
export function allDraws(data: TrainingData): TrainingData {
  const { count, inputShape } = data;
  const width = sizeOf(inputShape);
  const drawOf = (row: number) => Math.floor(row / count);
  const imageOf = Uint32Array.from({ length: drawsPerImage * count }, (_, row) => row % count);
  return {
    ...data,
    count: drawsPerImage * count,
    targets: pickTargets(data.targets, imageOf),
    async load(rows) {
      const values = new Float32Array(rows.length * width);
      for (const draw of new Set(rows.map(drawOf))) {
        const places = [...rows.keys()].filter((at) => drawOf(rows[at] ?? 0) === draw);
        const images = Uint32Array.from(places, (at) => (rows[at] ?? 0) % count);
        const { floats } = await data.load(images, draw);
        for (const [i, at] of places.entries()) values.set(floats.subarray(i * width, (i + 1) * width), at * width);
      }
      return Tensor.of("float32", [rows.length, ...inputShape], values);
    },
  };
}
