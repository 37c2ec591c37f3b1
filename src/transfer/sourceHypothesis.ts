import { sharedLayer } from "../adapt/trainedMethods.ts";
import { Tensor } from "../base/tensor.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { headLayer } from "./alignFeatures.ts";
import { sharedDense } from "./domainSubject.ts";
import { scalingLayer } from "./scaling.ts";
import type { Weights } from "./strategy.ts";

/** A source's classifier of features, split where it may learn on without the source's images (Liang, Hu & Feng 2020, §3.1). */
export interface SourceHypothesis {
  /** From an image, or the backbone's features of it, to where the classifier judges: what learns on. */
  readonly extractor: readonly Layer[];
  readonly head: Layer;
  readonly weights: Weights;
}

/**
 * The hypothesis in the weights of a run, or nothing where its network is of another form. Of a shared hidden layer that layer learns on;
 * of a linear head on frozen features, which has none, a scale and a shift of each feature, beginning with 1 and 0.
 */
export function hypothesisIn(weights: Weights, width: number, classes: number): SourceHypothesis | undefined {
  const shared = weights.get(`${sharedLayer}/kernel`);
  const kernel = weights.get("head/kernel");
  const judged = shared?.shape[1] ?? width;
  if (kernel === undefined || kernel.shape[0] !== judged || kernel.shape[1] !== classes) return undefined;
  const scaling = weights.has("scaling/mean") ? [scalingLayer()] : [];
  const own = (...layers: readonly string[]) =>
    [...weights].filter(([path]) => layers.some((layer) => path.startsWith(`${layer}/`)));
  const isPlain = [...weights.keys()].every((path) => !path.startsWith("map/"));
  if (!isPlain) return undefined;
  if (shared !== undefined) {
    return {
      extractor: [...scaling, sharedDense()],
      head: headLayer(classes),
      weights: new Map(own("scaling", sharedLayer, "head")),
    };
  }
  const start = (value: number) => Tensor.of("float32", [1, width], new Float32Array(width).fill(value));
  return {
    extractor: [...scaling, affineLayer()],
    head: headLayer(classes),
    weights: new Map([...own("scaling", "head"), [`${affineName}/scale`, start(1)], [`${affineName}/shift`, start(0)]]),
  };
}

const affineName = "adapted";

/** x·scale + shift, one of each a feature. */
function affineLayer(): Layer {
  return moduleLayer(affineName, (scope, x) => {
    const shape = [1, Number(x.shape[1])];
    const scale = scope.param("scale", shape, { initializer: "ones" });
    return add(mul(x, scale), scope.param("shift", shape, { initializer: "zeros" }));
  });
}
