import { readModelMetadata } from "../artefact/modelMetadata.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { lastLayer } from "../explain/lastLayer.ts";
import { explainedNetwork } from "../explain/network.ts";
import { substitute } from "../graph/substitute.ts";
import { input } from "../graph/value.ts";
import { readModel } from "../onnx/read.ts";
import { importModel } from "../ops/importModel.ts";
import { transpose } from "../ops/layout.ts";

/** The network of a saved classifier up to its last layer, as a backbone. Throws `model` where that layer judges by no vector. */
export function modelBackbone(bytes: Uint8Array, file: string): Backbone {
  const { preparation } = readModelMetadata(bytes, file);
  const side = preparation.cropTo;
  const probabilities = importModel(readModel(bytes, file), { fileName: file }).outputs.get("probabilities");
  if (probabilities === undefined) throw new GraftError("model", `"${file}" has no output "probabilities".`);
  const { network } = explainedNetwork(probabilities, side);
  const judged = lastLayer(network.scores)?.features;
  const width = judged?.type?.shape[1];
  if (judged?.type?.shape.length !== 2 || judged.dtype !== "float32" || typeof width !== "number") {
    throw new GraftError("model", `"${file}" ends in no layer that judges by a vector of features. Train it again.`);
  }
  const fed = input("input", "float32", ["N", 3, side, side]);
  const levels = transpose(fed, { perm: [0, 2, 3, 1] });
  const [features] = substitute([judged], new Map([[network.pixels, levels]]));
  const asTheyAre = { scale: [1, 1, 1], offset: [0, 0, 0] } as const;
  return { name: file, input: fed, features, width, preparation, normalisation: asTheyAre, warnings: [] };
}
