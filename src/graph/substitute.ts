import { rewrite, type Values } from "./rewrite.ts";
import type { Value } from "./value.ts";

/**
 * The same graph over other values: every use of a key of `replacements` becomes its value, and shapes are inferred anew.
 * Binds parameters to constants, symbolic lengths to numbers, and one graph's output to another's input.
 */
export function substitute<const T extends readonly Value[]>(
  outputs: T,
  replacements: ReadonlyMap<Value, Value>,
): Values<T> {
  return rewrite(outputs, () => undefined, replacements);
}
