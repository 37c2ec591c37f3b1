import { GraftError } from "../base/errors.ts";
import type { Sample, Source, SplitName } from "./source.ts";

/** Images of one size in memory, as packed formats hold them. */
export interface ImageArray {
  /** Prefix of the samples' ids. */
  readonly name: string;
  readonly split: SplitName;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
  readonly labels: ArrayLike<number>;
}

/** A source over arrays; the classes are the whole numbers from 0 to the largest label. */
export function arraySource(description: string, arrays: readonly ImageArray[]): Source {
  let classes = 0;
  for (const { labels } of arrays)
    for (let i = 0; i < labels.length; i++) classes = Math.max(classes, (labels[i] ?? 0) + 1);
  if (classes > 100_000) throw new GraftError("data", `${description}: the label ${classes - 1} is no class index.`);
  const entries = arrays.flatMap((array) =>
    Array.from({ length: array.labels.length }, (_, i) => {
      const sample: Sample = { id: `${array.name}#${i}`, label: array.labels[i] ?? 0, split: array.split };
      return { array, i, sample };
    }),
  );
  return {
    description,
    labels: Array.from({ length: classes }, (_, i) => String(i)),
    samples: entries.map(({ sample }) => sample),
    problems: [],
    async *read(ids) {
      for (const { array, i, sample } of entries) {
        if (!ids.has(sample.id)) continue;
        const { height, width, channels, pixels } = array;
        const size = height * width * channels;
        const data = pixels.subarray(i * size, (i + 1) * size);
        yield { sample, image: { kind: "pixels", pixels: { width, height, channels, data } } };
      }
    },
  };
}
