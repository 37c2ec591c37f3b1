import { type Dim, product, remainingDim } from "../base/shapes.ts";
import type { Value } from "../graph/value.ts";
import type { Known } from "./known.ts";

/**
 * The constant target of a Reshape that was computed from lengths of which some only have a name:
 * 0 where a length stays, -1 for one that follows from the others. Nothing when that does not say it all.
 */
export function settleReshape(x: Value, target: Known): readonly number[] | undefined {
  const { elements } = target;
  const dims = elements.map((dim, axis): Dim => (typeof dim === "string" && dim === x.shape[axis] ? 0 : dim));
  const names = dims.filter((dim) => typeof dim === "string");
  if (names.length > 1) return undefined;
  const free = dims.indexOf(-1);
  if (names.length === 1 && free >= 0) {
    const rest = product(dims.flatMap((dim, axis) => (axis === free ? [] : [dim === 0 ? x.shape[axis] : dim])));
    const length = remainingDim(product(x.shape), rest);
    if (typeof length === "string" && length !== x.shape[free]) return undefined;
    dims[free] = length === x.shape[free] ? 0 : length;
  }
  return dims.map((dim) => (typeof dim === "string" ? -1 : dim));
}

/** The target of a Reshape that was written for `batch` images, for any number of them. */
export function rebatchReshape(x: Value, target: readonly number[], batch: number): readonly number[] {
  const [count, ...lengths] = x.shape;
  if (typeof count !== "string" || target[0] !== batch) return target;
  const rest = product(lengths);
  const fits = target.includes(-1) || product(target.slice(1)) === rest;
  return fits ? [0, ...target.slice(1)] : target;
}

/** The constant target of an Expand: 1 where the named length is the data's own. */
export function settleExpand(x: Value, target: Known): readonly number[] | undefined {
  const lead = target.elements.length - x.rank;
  const dims = target.elements.map((dim, axis) => (dim === x.shape[axis - lead] ? 1 : dim));
  return dims.every((dim) => typeof dim === "number") ? dims : undefined;
}

/** What a Squeeze drops that names no axes. Said once, so that a batch of one image does not lose its axis when the graph runs. */
export function axesOfOne(x: Value): readonly number[] {
  return x.shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
}
