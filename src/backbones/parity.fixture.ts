import { hash32, mix32 } from "../base/random.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";

/** Weights that need not be stored: functions of name, shape and place, as in `test/reference/architectures.py`. */

/** A prime, so that no row of a weight repeats another. */
const tableLength = 65521;
const table = Float64Array.from({ length: tableLength }, (_, i) => mix32(i + 1) / 2 ** 31 - 1);

/** middle ± reach, uniform: the table from a place that the name decides, again and again. */
export function deterministicValues(name: string, shape: readonly number[], middle: number, reach: number): Tensor {
  const values = new Float32Array(sizeOf(shape));
  const start = hash32(name) % tableLength;
  const once = Math.min(values.length, tableLength);
  for (let i = 0; i < once; i++) values[i] = middle + reach * (table[(start + i) % tableLength] ?? 0);
  for (let at = once; at < values.length; at += once) {
    values.copyWithin(at, 0, Math.min(once, values.length - at));
  }
  return Tensor.of("float32", shape, values);
}

/** The value of the state dict's entry `name`. */
export function deterministicWeight(name: string, shape: readonly number[]): Tensor {
  const [middle, reach] = distributionOf(name.split(".").at(-1) ?? "", shape);
  return deterministicValues(name, shape, middle, reach);
}

/** He et al. 2015 for weights; statistics and biases that show when they are mixed up or left out. */
function distributionOf(last: string, shape: readonly number[]): readonly [middle: number, reach: number] {
  if (last === "running_var") return [1, 0.5];
  if (last === "running_mean" || last === "bias") return [0, 0.2];
  if (last === "gamma" || last === "layer_scale") return [0.5, 0.25];
  if (last === "cls_token" || last === "pos_embed") return [0, 0.5];
  if (shape.length === 1) return [0.75, 0.25];
  return [0, Math.sqrt(6 / sizeOf(shape.slice(1)))];
}
