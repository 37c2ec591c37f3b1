import { copyOf, rewrite } from "./rewrite.ts";
import type { Node, Value } from "./value.ts";

/**
 * The same graph with operators that only Graft knows written out in those that runtimes know.
 *
 * @param keep which of them stay, for a pass that has something better
 */
export function expandComposites(outputs: readonly Value[], keep: (node: Node) => boolean = () => false) {
  return rewrite(outputs, (node, inputs) => {
    const expand = node.operator.rule?.expand;
    if (expand === undefined) return undefined;
    const copy = copyOf(node, inputs);
    const [{ source }] = copy;
    return source.kind !== "node" || keep(source.node) ? copy : expand(source.node);
  });
}
