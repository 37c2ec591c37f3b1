import { sameShape } from "../base/shapes.ts";
import type { Tensor } from "../base/tensor.ts";
import type { ParameterShape } from "./stateDict.ts";

/** Which of a model's parameters another model's weights have. */
export interface Fitting {
  /** Values by path, of the parameters whose name and shape were found. */
  readonly taken: ReadonlyMap<string, Tensor>;
  /** The paths of all others. */
  readonly left: readonly string[];
}

/**
 * Takes what fits by name and shape and leaves the rest, where two models share a part only. A layer (all below one path) is taken
 * whole or not at all: the bias of one kernel means nothing to another.
 */
export function fittingWeights(
  parameters: readonly ParameterShape[],
  find: (path: string) => Tensor | undefined,
): Fitting {
  const found = new Map<string, Tensor>();
  const broken = new Set<string>();
  for (const { path, shape } of parameters) {
    const tensor = find(path);
    if (tensor?.dtype === "float32" && sameShape(tensor.shape, shape)) found.set(path, tensor);
    else broken.add(layerOf(path));
  }
  const taken = new Map([...found].filter(([path]) => !broken.has(layerOf(path))));
  return { taken, left: parameters.map(({ path }) => path).filter((path) => !taken.has(path)) };
}

function layerOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? path : path.slice(0, end);
}
