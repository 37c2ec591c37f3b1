import type { Compute } from "../algebra/compute.ts";
import { meanRow, squaredNorm, stacked } from "../algebra/matrix.ts";
import type { Rows } from "../base/rows.ts";
import { Tensor } from "../base/tensor.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { mul, sub } from "../ops/arithmetic.ts";
import { applyLayers, type DomainFeatures } from "./domainTrial.ts";
import type { Weights } from "./strategy.ts";

const name = "scaling";

/** Features with mean zero and, taken together, variance one over both domains: what the defaults of every method presume. */
export interface ScaledDomains {
  readonly features: DomainFeatures;
  /** The first layer of every network, and its weights. */
  readonly layer: Layer;
  readonly weights: Weights;
}

export async function scaleDomains(features: DomainFeatures, { engine }: Compute): Promise<ScaledDomains> {
  const all = stacked(features.source, features.target);
  const mean = meanRow(all);
  const variance = squaredNorm(all.values) / all.values.length - squaredNorm(mean) / mean.length;
  const scale = variance > 0 ? 1 / Math.sqrt(variance) : 1;
  const weights: Weights = new Map([
    [`${name}/mean`, Tensor.of("float32", [1, mean.length], Float32Array.from(mean))],
    [`${name}/scale`, Tensor.of("float32", [1], Float32Array.of(scale))],
  ]);
  const layer = scalingLayer();
  const scaled = async (rows: Rows): Promise<Rows> => ({
    ...rows,
    values: await applyLayers([layer], weights, rows, engine),
  });
  return {
    features: {
      ...features,
      source: await scaled(features.source),
      held: await scaled(features.held),
      target: await scaled(features.target),
    },
    layer,
    weights,
  };
}

/** (x − mean)·scale, one scale for all. */
export function scalingLayer(): Layer {
  return moduleLayer(name, (scope, x) => {
    const mean = scope.param("mean", [1, Number(x.shape[1])], { initializer: "zeros", trainable: false });
    const scale = scope.param("scale", [1], { initializer: "ones", trainable: false });
    return mul(sub(x, mean), scale);
  });
}
