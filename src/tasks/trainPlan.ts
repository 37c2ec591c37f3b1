import type { Backbone } from "../backbones/onnxBackbone.ts";
import { simpleCnn } from "../backbones/simpleCnn.ts";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { limitPixels } from "../data/preparedImages.ts";
import type { Source } from "../data/source.ts";
import type { Preparation } from "../image/prepare.ts";
import { dense } from "../nn/denseLayers.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import type { Platform } from "../platform/platform.ts";

/** From scratch the images' own size is kept where it is small; larger ones are reduced to 128 pixels. */
export async function scratchPreparation(
  source: Source,
  size: number | undefined,
  platform: Platform,
): Promise<Preparation> {
  const side = size ?? (await typicalSide(source, platform));
  return { resizeTo: side, cropTo: side, interpolation: "bilinear" };
}

/** What is trained: a linear head on features, or a small CNN on pixels. */
export function trainedNetwork(backbone: Backbone | undefined, side: number, classes: number): Network {
  if (backbone === undefined) return sequentialNetwork(simpleCnn(side, classes), [side, side, 3]);
  return sequentialNetwork([dense(classes, { activation: "softmax", name: "head" })], [backbone.width]);
}

/** Weights that let each class count the same, n / (classes · nᵢ), when the largest has 1.5 times the images of the smallest or more. */
export function balancingWeights(labels: readonly number[], classes: number): readonly number[] | undefined {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const present = counts.filter((count) => count > 0);
  if (Math.max(...present) < 1.5 * Math.min(...present)) return undefined;
  return counts.map((count) => (count === 0 ? 0 : labels.length / (present.length * count)));
}

/** The shorter side of the first few images, where they agree and are small; else 128. */
async function typicalSide(source: Source, platform: Platform): Promise<number> {
  const sides: number[] = [];
  const first = new Set(source.samples.slice(0, 16).map(({ id }) => id));
  for await (const { image } of source.read(first)) {
    try {
      const { width, height } = await decodeImage(image, platform, limitPixels);
      sides.push(Math.min(width, height));
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
    }
    if (sides.length >= first.size) break;
  }
  const smallest = Math.min(128, ...sides);
  return Math.max(16, smallest);
}
