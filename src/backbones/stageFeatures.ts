import { GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import { concat } from "../ops/layout.ts";
import { mapMeans } from "./blocks.ts";
import type { Backbone } from "./onnxBackbone.ts";
import { averagedMaps, channelsOf, stageMaps } from "./stageMaps.ts";

/**
 * The backbone whose features are its own and, behind them, the means of the maps with which its stages end: a head finds there what the last
 * layers have thrown away, such as colours and textures (Evci et al. 2022, "Head2Toe", §3; all of them instead of a selection).
 *
 * @throws `usage` for networks without such maps
 */
export function withStageFeatures(backbone: Backbone): Backbone {
  const ends = stageEnds(backbone);
  if (ends.length === 0) {
    throw new GraftError(
      "usage",
      `--features stages: "${backbone.name}" has no maps before its features that become smaller from stage to stage. Use --features last.`,
    );
  }
  const features = concat(backbone.features, ...ends.map(mapMeans), { axis: 1 });
  return { ...backbone, features, width: backbone.width + ends.reduce((sum, end) => sum + channelsOf(end), 0) };
}

/** The maps of stages whose means are not the backbone's features already. */
export function stageEnds(backbone: Backbone): readonly Value[] {
  return stageMaps(backbone).filter((maps) => maps !== averagedMaps(backbone.features));
}
