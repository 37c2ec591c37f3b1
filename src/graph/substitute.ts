import { apply } from "./operator.ts";
import { nodesOf } from "./traverse.ts";
import type { Value } from "./value.ts";

/**
 * The same graph over other values: every use of a key of `replacements` becomes its value, and shapes are inferred anew.
 * Binds parameters to constants, symbolic lengths to numbers, and one graph's output to another's input.
 */
export function substitute(outputs: readonly Value[], replacements: ReadonlyMap<Value, Value>): readonly Value[] {
  const mapped = new Map(replacements);
  const image = (value: Value): Value => mapped.get(value) ?? value;
  for (const node of nodesOf(outputs)) {
    if (node.inputs.every((value) => value === undefined || image(value) === value)) continue;
    const copy = apply(
      node.operator,
      node.inputs.map((value) => (value === undefined ? undefined : image(value))),
      node.attributes,
      { ...(node.name === undefined ? {} : { name: node.name }), declared: node.outputs.map(({ type }) => type) },
    );
    node.outputs.forEach((output, i) => {
      if (!mapped.has(output)) mapped.set(output, copy.outputs[i]);
    });
  }
  return outputs.map(image);
}
