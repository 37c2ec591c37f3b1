import { imagesWithin, stageMaps } from "../backbones/stageMaps.ts";
import { backboneName, shownMaps } from "../backbones/trainableBackbone.ts";
import type { Value } from "../graph/value.ts";
import { batchInput, forward, type Network } from "../nn/network.ts";
import { type Build, startBuild } from "../nn/scope.ts";
import type { MapSize } from "./attentionTransfer.ts";

/** The maps with which a stage ends, as the output of a layer that losses may ask for. */
export interface ShownStage extends MapSize {
  readonly layer: string;
}

/** The stages of a network that takes pixels, first to last: those that a trained backbone shows, or those whose ends are outputs of layers. */
export function shownStages(network: Network): readonly ShownStage[] {
  const build = startBuild(network.parameters);
  const output = forward(network, batchInput(network, 1, "float32"), build);
  const shown = shownByBackbone(build);
  return shown.length > 0 ? shown : endsOfLayers(network, build, output);
}

function shownByBackbone({ layerOutputs }: Build): readonly ShownStage[] {
  const stages: ShownStage[] = [];
  for (;;) {
    const layer = `${backboneName}/${shownMaps(stages.length)}`;
    const maps = layerOutputs.get(layer);
    if (maps === undefined) return stages;
    stages.push(shownStage(layer, maps));
  }
}

function endsOfLayers({ inputShape }: Network, { layerOutputs }: Build, output: Value): readonly ShownStage[] {
  const images = imagesWithin(output, inputShape[0] ?? 0);
  if (images === undefined) return [];
  const layers = [...layerOutputs];
  return stageMaps({ input: images, features: output }).flatMap((maps) => {
    // The first layer with this output: dropout behind it changes it in training.
    const [layer] = layers.find(([, value]) => value === maps) ?? [];
    return layer === undefined ? [] : [shownStage(layer, maps)];
  });
}

function shownStage(layer: string, maps: Value): ShownStage {
  return { layer, ...mapSize(maps) };
}

/** Of maps [N, C, H, W]. */
export function mapSize({ shape: [, , height, width] }: Value): MapSize {
  return { height: Number(height), width: Number(width) };
}
