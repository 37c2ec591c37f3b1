import { GraftError } from "../base/errors.ts";
import type { Dim, Shape } from "../base/shapes.ts";
import type { TensorType } from "../graph/value.ts";
import type { Graph, ValueInfo } from "../onnx/model.ts";

/** What a file says of its tensors, once its inputs are fed in other shapes. */
export interface Declared {
  readonly types: ReadonlyMap<string, TensorType>;
  /** The number of images that the file was written for, where another is fed now. */
  readonly batch: number | undefined;
}

/**
 * The types that `graph` states, for inputs of the shapes `fed`: lengths that have a name are renamed, a fixed number of images is
 * replaced. When other lengths changed, nothing that the file states can be relied on.
 */
export function declaredTypes(graph: Graph, fed: ReadonlyMap<string, Shape>): Declared {
  const renamed = new Map<string, Dim>();
  let batch: number | undefined;
  let count: Dim | undefined;
  let resized = false;
  for (const { name, shape } of graph.inputs) {
    const now = fed.get(name);
    shape?.forEach((before, axis) => {
      const after = now?.[axis];
      if (after === undefined || before === undefined || after === before) return;
      if (typeof before === "string") renamed.set(before, after);
      else if (axis === 0) [batch, count] = [before, after];
      else resized = true;
    });
  }
  const types = new Map<string, TensorType>();
  for (const info of resized ? [] : [...graph.valueInfos, ...graph.outputs]) {
    if (info.dtype === undefined || info.shape === undefined) continue;
    const shape = declaredShape(info, "").map((dim, axis): Dim => {
      if (typeof dim === "string") return renamed.get(dim) ?? dim;
      return axis === 0 && dim === batch && count !== undefined ? count : dim;
    });
    types.set(info.name, { dtype: info.dtype, shape });
  }
  return { types, batch };
}

/** The shape that a file states; lengths that it leaves open get a name. Throws `model` when it states none. */
export function declaredShape({ name, shape }: ValueInfo, where: string): Shape {
  if (shape === undefined) {
    throw new GraftError("model", `${where}: the graph input "${name}" declares no shape; expected one.`);
  }
  return shape.map((dim, axis) => dim ?? `${name}.${axis}`);
}
