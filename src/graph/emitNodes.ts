import { GraftError } from "../base/errors.ts";
import type { Attribute, Graph, Node as OnnxNode } from "../onnx/model.ts";
import { identity } from "./identity.ts";
import { Subgraph, subgraphsOf } from "./subgraph.ts";
import { nodesOf } from "./traverse.ts";
import type { Node, Value } from "./value.ts";

/** The nodes that `outputs` need, named with `prefix`; what they compute is added to `names`. */
export function emitNodes(outputs: readonly Value[], names: Map<Value, string>, prefix: string): readonly OnnxNode[] {
  const used = usedValues(outputs);
  return nodesOf(outputs).map((node, i) => emitNode(node, `${prefix}${node.operator.name}_${i}`, names, used));
}

function emitNode(node: Node, name: string, names: Map<Value, string>, used: ReadonlySet<Value>): OnnxNode {
  const last = node.operator.rule?.optionalOutputs
    ? node.outputs.findLastIndex((output) => used.has(output))
    : Number.POSITIVE_INFINITY;
  const outputs = node.outputs.slice(0, last + 1).map((output, i) => {
    const known = names.get(output) ?? (node.outputs.length === 1 ? `${name}_out` : `${name}_out${i}`);
    names.set(output, known);
    return known;
  });
  const inputs = node.inputs.map((value) => (value === undefined ? "" : (names.get(value) ?? "")));
  // What inner graphs capture they use by name, and is no input in the file.
  const [[, { captured }] = ["", new Subgraph([], [])]] = subgraphsOf(node);
  const own = inputs.length - captured.length;
  return {
    op: node.operator.name,
    domain: node.operator.domain,
    name,
    inputs: inputs.slice(0, own),
    outputs,
    attributes: emitAttributes(node, (key, inner) => {
      const around = new Map([...names, ...inner.captured.map((value, i) => [value, inputs[own + i]] as const)]);
      return emitSubgraph(inner, node, around, `${name}/${key}/`);
    }),
  };
}

/** Every node of an inner graph has a name of its own in the whole file. */
function emitSubgraph({ outputs }: Subgraph, { outputs: outer }: Node, names: Map<Value, string>, name: string): Graph {
  const named = distinctOutputs(Object.fromEntries(outputs.map((value, i) => [`${name}out${i}`, value])));
  for (const [outputName, value] of named) names.set(value, outputName);
  return {
    name,
    inputs: [],
    // Without shapes: the branches of one node may give different ones.
    outputs: [...named].map(([outputName, { type }], i) => {
      return { name: outputName, dtype: (type ?? outer[i]?.type)?.dtype, shape: undefined };
    }),
    valueInfos: [],
    nodes: emitNodes([...named.values()], names, name),
    initializers: new Map(),
  };
}

function emitAttributes(
  { operator, attributes, name: nodeName }: Node,
  emitGraph: (key: string, inner: Subgraph) => Graph,
): Record<string, Attribute> {
  const emitted: Record<string, Attribute> = {};
  for (const [name, field] of Object.entries(operator.fields ?? {})) {
    const value = attributes[name];
    if (value === undefined) continue;
    if (value instanceof Subgraph) emitted[name] = { type: "graph", value: emitGraph(name, value) };
    else if (field.type === "graph") throw innerGraphRefused(nodeName, operator.name);
    // The field's type and its value were bound together where the operator was defined. Defaults are written out:
    // they have changed between operator sets.
    else emitted[name] = { type: field.type, value } as Attribute;
  }
  return emitted;
}

/** Such a graph uses values around it by the file's names, and names are given anew here. */
function innerGraphRefused(node: string | undefined, operator: string): GraftError {
  return new GraftError(
    "model",
    `node "${node}" (${operator}) runs a graph of its own, which Graft does not rebuild. Export the model for inference ` +
      "at a fixed input, so that the exporter unrolls it.",
  );
}

/** Every output gets a node of its own, so that its name is free to choose. */
export function distinctOutputs(outputs: Readonly<Record<string, Value>>): Map<string, Value> {
  const taken = new Set<Value>();
  const named = new Map<string, Value>();
  for (const [name, value] of Object.entries(outputs)) {
    const own = value.source.kind !== "node" || taken.has(value) ? identity(value) : value;
    taken.add(own);
    named.set(name, own);
  }
  return named;
}

function usedValues(outputs: readonly Value[]): ReadonlySet<Value> {
  const used = new Set<Value>(outputs);
  for (const node of nodesOf(outputs)) for (const value of node.inputs) if (value !== undefined) used.add(value);
  return used;
}
