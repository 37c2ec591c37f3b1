import type { Value } from "../graph/value.ts";
import type { Layer, SymbolicTensor } from "./layer.ts";
import type { Scope } from "./scope.ts";

/** A whole sub-network as one layer: `build` writes it on feature maps [N, C, H, W], naming its parameters below the layer's name. */
export function moduleLayer(name: string, build: (scope: Scope, x: Value) => Value): Layer {
  const layer: Layer = Object.assign(
    (...inputs: readonly SymbolicTensor[]): SymbolicTensor => ({ kind: "applied", layer, inputs }),
    {
      kind: "Functional",
      config: {},
      layerName: name,
      build: (scope: Scope, [x]: readonly Value[]) => build(scope, x),
    },
  );
  return layer;
}
