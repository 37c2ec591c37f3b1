import { GraftError } from "../base/errors.ts";
import { sameShape, showShape } from "../base/shapes.ts";
import type { Tensor } from "../base/tensor.ts";
import { substitute } from "../graph/substitute.ts";
import { constant, input, type Value } from "../graph/value.ts";
import type { Normalisation, Preparation } from "../image/prepare.ts";
import { initialTensors } from "../nn/initialTensors.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { softmax } from "../ops/activations.ts";
import { flatten } from "../ops/layout.ts";
import { globalMaxPool } from "../ops/pooling.ts";
import type { Architecture } from "./architecture.ts";
import { architectureNamed } from "./architectures.ts";
import { mapMeans } from "./blocks.ts";
import type { Backbone } from "./onnxBackbone.ts";

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
  readonly architecture: Architecture;
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
  const architecture = architectureNamed(name);
  if (options.pooling !== undefined && (options.includeTop ?? true)) {
    throw new GraftError("usage", `${name}: "pooling" is for features. Set "includeTop" to false, or leave it out.`);
  }
  const inputShape = options.inputShape ?? [architecture.side, architecture.side, architecture.channels];
  checkSides(architecture, inputShape);
  const layer = moduleLayer(name, (scope, images) => outputOf(architecture, scope, images, options));
  const { parameters } = sequentialNetwork([layer], inputShape);
  const weights =
    options.weights === undefined
      ? initialTensors(parameters, options.seed ?? 0)
      : weightsFor(name, parameters, options.weights);
  return { architecture, inputShape, layer, weights };
}

/** The backbone with its weights as constants, for training a head on its features. Throws `shape` when it gives no vectors, or images are not square. */
export function frozen(
  { architecture: { name }, inputShape: [height, width, channels], layer, weights }: ArchitectureBackbone,
  preprocessing: { readonly preparation: Preparation; readonly normalisation: Normalisation },
): Backbone {
  if (height !== width) {
    throw new GraftError("shape", `${name}: square images expected, got ${height}×${width}.`);
  }
  const images = input("input", "float32", ["N", channels, height, width]);
  const parameters = new Parameters();
  const written = layer.build(new Scope(startBuild(parameters), name), [images]);
  const bound = parameters.list.flatMap(({ path, value }): [Value, Value][] => {
    const tensor = weights.get(path);
    return tensor === undefined ? [] : [[value, constant(tensor, path.slice(name.length + 1))]];
  });
  const [features] = substitute([written], new Map(bound));
  if (features?.rank !== 2) {
    throw new GraftError("shape", `${name} gives maps ${showShape(written.shape)}. Set "pooling" to "avg" or "max".`);
  }
  return { name, input: images, features, width: Number(features.shape[1]), ...preprocessing, warnings: [] };
}

function outputOf(architecture: Architecture, scope: Scope, images: Value, options: BackboneOptions): Value {
  const { includeTop = true, classes = 1000, pooling } = options;
  const features = architecture.body(scope, images);
  if (includeTop) return softmax(architecture.top(scope, features, classes), { axis: 1 });
  if (pooling === undefined || architecture.features === "vector") return features;
  return pooling === "avg" ? mapMeans(features) : flatten(globalMaxPool(features));
}

function checkSides(
  { name, smallestSide, sideStep }: Architecture,
  [height, width]: ArchitectureBackbone["inputShape"],
): void {
  const found = `${name}: images of ${height}×${width} pixels`;
  if (Math.min(height, width) < smallestSide) {
    throw new GraftError("usage", `${found} are too small; ${smallestSide}×${smallestSide} at least. Enlarge them.`);
  }
  if (height % sideStep !== 0 || width % sideStep !== 0) {
    const [h, w] = [height, width].map((side) => Math.round(side / sideStep) * sideStep);
    throw new GraftError(
      "usage",
      `${found} do not divide into its patches of ${sideStep}. Resize them, to ${h}×${w} say.`,
    );
  }
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
