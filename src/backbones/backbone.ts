import { GraftError } from "../base/errors.ts";
import { sameShape, showShape } from "../base/shapes.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Value } from "../graph/value.ts";
import { initialTensors } from "../nn/initialTensors.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { sequentialNetwork } from "../nn/network.ts";
import type { Parameters, Scope } from "../nn/scope.ts";
import { softmax } from "../ops/activations.ts";
import { flatten } from "../ops/layout.ts";
import { globalMaxPool } from "../ops/pooling.ts";
import { type Architecture, checkSides } from "./architecture.ts";
import { architecture } from "./architectures.ts";
import { mapMeans } from "./blocks.ts";

/** As in `keras.applications`. */
export interface BackboneOptions {
  /** With the classifier: class probabilities come out. Default true. */
  readonly includeTop?: boolean;
  /** Default 1000. */
  readonly classes?: number;
  /** Values by parameter path, `layer1/0/conv1/weight`; others are ignored. Default drawn by the initialisers. */
  readonly weights?: ReadonlyMap<string, Tensor>;
  /** For what is drawn. Default 0. */
  readonly seed?: number;
  /** One image's, [height, width, channels]. Default what the architecture was published for. */
  readonly inputShape?: readonly [height: number, width: number, channels: number];
  /** Without the classifier: one vector an image, the mean or the maximum of each map. Default the maps as they are. */
  readonly pooling?: "avg" | "max";
}

/** An architecture with weights, as a layer for any model. */
export interface ArchitectureBackbone {
  readonly inputShape: readonly [height: number, width: number, channels: number];
  /** Images normalised as the weights expect in; probabilities, a vector or maps out. Named like the architecture. */
  readonly layer: Layer;
  /** Values for `model.setWeights`, by path below the layer's name. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/**
 * The architecture called `name` with its weights.
 *
 * @throws `usage` for an unknown name, images that the architecture cannot take, and pooling beside a classifier;
 * `model` where `weights` lacks a parameter or has it in another shape
 */
export function backbone(name: string, options: BackboneOptions = {}): ArchitectureBackbone {
  const written = architecture(name);
  if (options.pooling !== undefined && (options.includeTop ?? true)) {
    throw new GraftError("usage", `${name}: "pooling" is for features. Set "includeTop" to false, or leave it out.`);
  }
  const inputShape = options.inputShape ?? [written.side, written.side, written.channels ?? 3];
  checkSides(name, written, inputShape[0], inputShape[1]);
  const layer = moduleLayer(name, (scope, images) => outputOf(written, scope, images, options));
  const { parameters } = sequentialNetwork([layer], inputShape);
  const weights =
    options.weights === undefined
      ? initialTensors(parameters, options.seed ?? 0)
      : weightsFor(name, parameters, options.weights);
  return { inputShape, layer, weights };
}

function outputOf({ features, top }: Architecture, scope: Scope, images: Value, options: BackboneOptions): Value {
  const { includeTop = true, classes = 1000, pooling } = options;
  const found = features(scope, images);
  if (includeTop) return softmax(top(scope, found, classes), { axis: 1 });
  if (pooling === undefined || found.rank === 2) return found;
  return pooling === "avg" ? mapMeans(found) : flatten(globalMaxPool(found));
}

/** The given values of these parameters, under their full paths. */
function weightsFor(
  name: string,
  parameters: Parameters,
  given: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Tensor> {
  const found = new Map<string, Tensor>();
  const missing: string[] = [];
  for (const { path, shape } of parameters.list) {
    const below = path.slice(name.length + 1);
    const tensor = given.get(below);
    if (tensor === undefined) missing.push(below);
    else if (sameShape(tensor.shape, shape)) found.set(path, tensor);
    else {
      throw new GraftError(
        "model",
        `${name}: "${below}" has shape ${showShape(tensor.shape)}, expected ${showShape(shape)}.`,
      );
    }
  }
  if (missing.length === 0) return found;
  const more = missing.length === 1 ? "" : ` and ${missing.length - 1} more`;
  throw new GraftError("model", `${name}: the weights lack "${missing[0]}"${more}. Are they of another architecture?`);
}
