import { apply } from "./operator.ts";
import { nodesOf } from "./traverse.ts";
import type { Node, Value } from "./value.ts";

/**
 * What takes a node's place: a value for each of its outputs, or nothing to keep it.
 *
 * @param inputs the node's operands as they are after rewriting
 */
export type Replace = (node: Node, inputs: readonly (Value | undefined)[]) => readonly Value[] | undefined;

/** As many values as `T` has: a tuple for a tuple, a list for a list. */
export type Values<T extends readonly Value[]> = { readonly [K in keyof T]: Value };

/** The same graph with some nodes replaced, operands before users; what does not change stays the same value. */
export function rewrite<const T extends readonly Value[]>(
  outputs: T,
  replace: Replace,
  known?: ReadonlyMap<Value, Value>,
): Values<T>;
export function rewrite(
  outputs: readonly Value[],
  replace: Replace,
  known: ReadonlyMap<Value, Value> = new Map(),
): readonly Value[] {
  const mapped = new Map(known);
  const image = (value: Value): Value => mapped.get(value) ?? value;
  for (const node of nodesOf(outputs)) {
    const inputs = node.inputs.map((value) => value && image(value));
    const replaced = replace(node, inputs) ?? copyOf(node, inputs);
    node.outputs.forEach((output, i) => {
      const value = replaced[i];
      if (value !== undefined && value !== output && !mapped.has(output)) mapped.set(output, value);
    });
  }
  return outputs.map(image);
}

/** Named outputs after a pass over their values. */
export function rewriteNamed(
  outputs: ReadonlyMap<string, Value>,
  pass: (values: readonly Value[]) => readonly Value[],
): ReadonlyMap<string, Value> {
  const passed = pass([...outputs.values()]);
  return new Map([...outputs.keys()].map((name, i) => [name, passed[i]]));
}

/** The node on other operands; itself where they are its own. */
export function copyOf(node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] {
  if (node.inputs.every((value, i) => value === inputs[i])) return node.outputs;
  const origin = node.name === undefined ? {} : { name: node.name };
  const declared = node.outputs.map(({ type }) => type);
  return apply(node.operator, inputs, node.attributes, { ...origin, declared }).outputs;
}

/** How many nodes (and outputs of the graph) use each value. */
export function countUses(outputs: readonly Value[]): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value | undefined) => {
    if (value !== undefined) uses.set(value, (uses.get(value) ?? 0) + 1);
  };
  for (const node of nodesOf(outputs)) for (const value of node.inputs) use(value);
  for (const output of outputs) use(output);
  return uses;
}
