import type { Value } from "../graph/value.ts";
import type { Attribute, LocalFunction, Node } from "../onnx/model.ts";

/** The nodes of a function as a call means them: attributes filled in, operands that the call leaves out left out. */
export function inlineNodes(local: LocalFunction, call: Node, inputs: readonly (Value | undefined)[]): readonly Node[] {
  const given = new Map([...Object.entries(local.defaults), ...Object.entries(call.attributes)]);
  const missing = new Set(local.inputs.filter((_, i) => inputs[i] === undefined));
  return local.nodes.map((node) => {
    const inner = filledIn(node, given);
    return {
      ...inner,
      name: `${call.name || call.outputs[0]}/${node.name || node.outputs[0]}`,
      inputs: inner.inputs.map((name) => (missing.has(name) ? "" : name)),
    };
  });
}

function filledIn(node: Node, given: ReadonlyMap<string, Attribute>): Node {
  const attributes = Object.entries(node.attributes).flatMap(([name, attribute]): [string, Attribute][] => {
    if (attribute.type === "graph") {
      const nodes = attribute.value.nodes.map((inner) => filledIn(inner, given));
      return [[name, { type: "graph", value: { ...attribute.value, nodes } }]];
    }
    if (attribute.type !== "other" || attribute.value.refAttrName === "") return [[name, attribute]];
    const meant = given.get(attribute.value.refAttrName);
    return meant === undefined ? [] : [[name, meant]];
  });
  return { ...node, attributes: Object.fromEntries(attributes) };
}
