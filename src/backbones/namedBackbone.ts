import type { Tensor } from "../base/tensor.ts";
import { input } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { kerasToTorch } from "../weights/kerasToTorch.ts";
import { loadStateDict } from "../weights/stateDict.ts";
import { type Architecture, isUnused } from "./architecture.ts";
import { backbone, frozen } from "./backbone.ts";
import type { Card } from "./cards.ts";
import type { Backbone } from "./onnxBackbone.ts";

export interface PublishedWeights {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly fileName: string;
  /** How images are prepared for these weights, and the names in their file. */
  readonly card: Omit<Card, "name" | "source" | "licence">;
}

/**
 * An architecture with published weights, frozen, cut where its features come out; maps are averaged over positions.
 *
 * @param size side of the input in pixels; by default the weights' own
 * @throws `usage` when the network cannot work at `size`, `model` when the weights are another network's
 */
export function namedBackbone(
  architecture: Architecture,
  { tensors, fileName, card }: PublishedWeights,
  size = card.side,
): Backbone {
  const { body, top } = parametersOf(architecture);
  const { rename = (key: string) => key } = card;
  const needed = (key: string) => {
    const own = rename(key);
    return own === undefined || isUnused(architecture, own) || top.has(own) ? undefined : own;
  };
  const weights = loadStateDict(body, card.layout === "keras" ? kerasToTorch(tensors) : tensors, {
    fileName,
    rename: needed,
  });
  const inputShape = [size, size, architecture.channels] as const;
  const options = {
    includeTop: false,
    inputShape,
    weights,
    ...(architecture.features === "maps" ? { pooling: "avg" as const } : {}),
  };
  return frozen(backbone(architecture.name, options), {
    preparation: { resizeTo: Math.round(size / card.cropFraction), cropTo: size, interpolation: card.interpolation },
    normalisation: card.normalisation,
  });
}

/** What the features need, and the names (with dots) of what only the classifier needs. */
function parametersOf({ side, channels, body, top }: Architecture) {
  const parameters = new Parameters();
  const scope = new Scope(startBuild(parameters));
  const maps = body(scope, input("input", "float32", [1, channels, side, side]));
  const needed = parameters.list;
  top(scope, maps, 1000);
  const rest = parameters.list.slice(needed.length).map(({ path }) => path.replaceAll("/", "."));
  return { body: needed, top: new Set(rest) };
}
