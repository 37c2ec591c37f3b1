import { GraftError } from "../base/errors.ts";
import type { Node, Value } from "./value.ts";

/** The nodes that `outputs` need, each after the nodes it needs; the order depends on the graph alone. */
export function nodesOf(outputs: readonly Value[]): readonly Node[] {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack: Node[] = [];
  const push = (value: Value | undefined) => {
    if (value?.source.kind === "node" && state.get(value.source.node) !== "done") stack.push(value.source.node);
  };
  for (const output of outputs) {
    push(output);
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      const seen = state.get(node);
      if (seen === undefined) {
        state.set(node, "open");
        for (let i = node.inputs.length - 1; i >= 0; i--) push(node.inputs[i]);
        continue;
      }
      stack.pop();
      if (seen === "open") {
        state.set(node, "done");
        order.push(node);
      }
    }
  }
  return order;
}

/** Fed values and constants that `outputs` need, in the order of first use. */
export function leavesOf(outputs: readonly Value[]): readonly Value[] {
  const leaves = new Set<Value>();
  const visit = (value: Value | undefined) => {
    if (value !== undefined && value.source.kind !== "node") leaves.add(value);
  };
  for (const node of nodesOf(outputs)) for (const value of node.inputs) visit(value);
  for (const output of outputs) visit(output);
  return [...leaves];
}

/** The nodes of `order` that depend on any of `roots`. */
export function dependents(order: readonly Node[], roots: ReadonlySet<Value>): ReadonlySet<Node> {
  const result = new Set<Node>();
  for (const node of order) {
    const depends = node.inputs.some(
      (value) =>
        value !== undefined && (roots.has(value) || (value.source.kind === "node" && result.has(value.source.node))),
    );
    if (depends) result.add(node);
  }
  return result;
}

/** The fed value called `name` among those that `outputs` need. Throws `model` when there is none. */
export function inputNamed(outputs: readonly Value[], name: string): Value {
  const found = leavesOf(outputs).find(({ source }) => source.kind === "input" && source.name === name);
  if (found === undefined) throw new GraftError("model", `the graph has no input "${name}".`);
  return found;
}
