import { type DomainMap, writeMap } from "../adapt/domainMap.ts";
import type { Matrix } from "../algebra/matrix.ts";
import { Tensor } from "../base/tensor.ts";
import { input } from "../graph/value.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import type { Weights } from "./strategy.ts";

/** A map of domain adaptation as a layer of a network: its matrices are parameters that do not learn. */
export function domainMapLayer(name: string, map: DomainMap): Layer {
  return moduleLayer(name, (scope, x) =>
    writeMap(map, x, (part, { count, width }) =>
      scope.param(part, [count, width], { initializer: "zeros", trainable: false }),
    ),
  );
}

/** The matrices of such a layer, by the paths of its parameters. */
export function domainMapWeights(name: string, map: DomainMap, width: number): Weights {
  const weights = new Map<string, Tensor>();
  writeMap(map, input("x", "float32", ["N", width]), (part, matrix) => {
    weights.set(`${name}/${part}`, tensorOf(matrix));
    return input(part, "float32", [matrix.count, matrix.width]);
  });
  return weights;
}

function tensorOf({ values, count, width }: Matrix): Tensor {
  return Tensor.of("float32", [count, width], Float32Array.from(values));
}
