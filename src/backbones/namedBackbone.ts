import type { Tensor } from "../base/tensor.ts";
import { substitute } from "../graph/substitute.ts";
import { constant, input } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { loadStateDict } from "../weights/stateDict.ts";
import { type Architecture, checkSides, isUnused } from "./architecture.ts";
import { mapMeans } from "./blocks.ts";
import type { Card } from "./cards.ts";
import type { Backbone } from "./onnxBackbone.ts";

export interface PublishedWeights {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly fileName: string;
  /** How images are prepared for these weights, and the names in their file. */
  readonly card: Omit<Card, "name" | "source" | "licence">;
}

/**
 * A network of Graft's own with published weights, cut where its features come out; maps are averaged over positions.
 *
 * @param size side of the input in pixels; by default the weights' own
 * @throws `usage` when the network cannot work at `size`, `model` when the weights are another network's
 */
export function namedBackbone(
  name: string,
  architecture: Architecture,
  { tensors, fileName, card }: PublishedWeights,
  size = card.side,
): Backbone {
  checkSides(name, architecture, size, size);
  const parameters = new Parameters();
  const image = input("input", "float32", ["N", 3, size, size]);
  const maps = architecture.features(new Scope(startBuild(parameters)), image);
  const written = maps.rank === 4 ? mapMeans(maps) : maps;
  const { rename = (key: string) => key } = card;
  const needed = (key: string) => (isUnused(architecture, key) ? undefined : rename(key));
  const weights = loadStateDict(parameters.list, tensors, {
    fileName,
    rename: needed,
    classifier: architecture.classifier,
  });
  const bound = parameters.list.flatMap(({ path, value }) => {
    const tensor = weights.get(path);
    return tensor === undefined ? [] : [[value, constant(tensor, path)] as const];
  });
  const [features] = substitute([written], new Map(bound));
  return {
    name,
    input: image,
    features,
    width: Number(features.shape[1]),
    preparation: {
      resizeTo: Math.round(size / card.cropFraction),
      cropTo: size,
      interpolation: card.interpolation,
    },
    normalisation: card.normalisation,
    warnings: [],
  };
}
