import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { substitute } from "../graph/substitute.ts";
import { constant } from "../graph/value.ts";
import { lastLayer } from "./lastLayer.ts";
import type { ExplainedNetwork } from "./network.ts";

/**
 * The network with the weights of its last layer drawn anew, normal with the mean and deviation that they have (Adebayo et al. 2018, §3:
 * a map that stays as it was shows the image and not what the model learned).
 * Throws `model` where there is no such layer.
 */
export function randomiseHead(network: ExplainedNetwork, seed: number): ExplainedNetwork {
  const head = lastLayer(network.scores);
  if (head === undefined) throw new GraftError("model", "the model has no last layer with weights to draw anew.");
  const drawn = constant(drawnLike(head.tensor, seed));
  const [scores, probabilities] = substitute([network.scores, network.probabilities], new Map([[head.weight, drawn]]));
  return { ...network, scores, probabilities };
}

function drawnLike(tensor: Tensor, seed: number): Tensor {
  const { floats, shape } = tensor;
  let mean = 0;
  for (const value of floats) mean += value / floats.length;
  let variance = 0;
  for (const value of floats) variance += (value - mean) ** 2 / floats.length;
  const random = stream(seed, "random head");
  return Tensor.float32(
    shape,
    Float32Array.from(floats, () => mean + Math.sqrt(variance) * random.normal()),
  );
}
