import { rewrite } from "./rewrite.ts";
import type { Value } from "./value.ts";

/**
 * The same graph over other values: every use of a key of `replacements` becomes its value, and shapes are inferred anew.
 * Binds parameters to constants, symbolic lengths to numbers, and one graph's output to another's input.
 */
export function substitute(outputs: readonly Value[], replacements: ReadonlyMap<Value, Value>): readonly Value[] {
  return rewrite(outputs, () => undefined, replacements);
}
