import { hash32, mix32 } from "../base/random.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";

/** Weights that need not be stored: functions of name, shape and place, as in `test/reference/architectures.py`. */

/** A prime, so that no row of a weight repeats another. */
const tableLength = 65521;
const table = Float64Array.from({ length: tableLength }, (_, i) => mix32(i + 1) / 2 ** 31 - 1);

/** middle ± reach, uniform: the table from a place that the name decides, again and again. */
export function deterministicValues(name: string, shape: readonly number[], middle: number, reach: number): Tensor {
  const start = hash32(name) % tableLength;
  const count = sizeOf(shape);
  return Tensor.of("float32", shape, periodic(start + count, middle, reach).subarray(start));
}

/** The values of a state dict's entries, by path. Those with one distribution are views of one array. */
export function deterministicWeights(
  parameters: readonly { readonly path: string; readonly shape: readonly number[] }[],
): Map<string, Tensor> {
  const rows = parameters.map(({ path, shape }) => {
    const [middle, reach] = distributionOf(path.split("/").at(-1) ?? "", shape);
    const start = hash32(path.replaceAll("/", ".")) % tableLength;
    return { path, shape, middle, reach, start, end: start + sizeOf(shape) };
  });
  const lengths = new Map<string, number>();
  const arrays = new Map<string, Float32Array>();
  const key = ({ middle, reach }: (typeof rows)[number]) => `${middle} ${reach}`;
  for (const row of rows) lengths.set(key(row), Math.max(lengths.get(key(row)) ?? 0, row.end));
  return new Map(
    rows.map((row) => {
      const array = arrays.get(key(row)) ?? periodic(lengths.get(key(row)) ?? 0, row.middle, row.reach);
      arrays.set(key(row), array);
      return [row.path, Tensor.of("float32", row.shape, array.subarray(row.start, row.end))];
    }),
  );
}

/** `length` values from the start of the table. */
function periodic(length: number, middle: number, reach: number): Float32Array {
  const values = new Float32Array(length);
  const once = Math.min(length, tableLength);
  for (let i = 0; i < once; i++) values[i] = middle + reach * (table[i] ?? 0);
  // Copied, not computed: the largest model has 10⁸ weights.
  for (let done = once; done < length; done *= 2) values.copyWithin(done, 0, Math.min(done, length - done));
  return values;
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
