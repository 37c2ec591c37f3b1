import { Tensor } from "../base/tensor.ts";
import { dtypeCode } from "../onnx/dtypes.ts";
import type { Graph, Model, Node, ValueInfo } from "../onnx/model.ts";

const prefix = "hidden/";
const zero = `${prefix}zero`;

/**
 * The same model, whose shapes the runtime learns only when it runs. ONNX Runtime plans one buffer for all values of one known shape
 * and keeps it from the first to the last of them, also while none is alive (`AllocPlanner` in its sources); of values whose shapes
 * it does not know, each buffer is given back after its last use. Results may differ in rounding: other rewrites of the runtime fit.
 */
export function hideShapes(model: Model): Model {
  const { graph } = model;
  const fed = graph.inputs.find(({ dtype, shape }) => dtype === "float32" && shape !== undefined);
  if (fed === undefined) return model;
  const initializers = new Map(graph.initializers);
  const hidden = new Set<string>();
  const nodes = withoutChains(graph).map((node): Node => {
    const [data = "", shape = ""] = node.inputs;
    if (!isReshape(node) || !isWritten(graph, shape)) return node;
    hidden.add(shape);
    return { ...node, inputs: [data, `${prefix}${shape}`] };
  });
  const written = [...hidden].map((shape) => nodeOf("Add", [shape, zero], `${prefix}${shape}`));
  initializers.set(`${prefix}all`, Tensor.int64([-1]));
  initializers.set(`${prefix}first`, Tensor.of("int64", [], BigInt64Array.of(0n)));
  const inputs = graph.inputs.map(withoutFirstLength);
  return { ...model, graph: { ...graph, inputs, nodes: [...zeroNodes(fed.name), ...written, ...nodes], initializers } };
}

/** An int64 zero that the runtime cannot know to be one: x < x, for a number that is fed. */
function zeroNodes(fed: string): readonly Node[] {
  const named = (name: string) => `${prefix}${name}`;
  return [
    nodeOf("Reshape", [fed, named("all")], named("flat")),
    nodeOf("Gather", [named("flat"), named("first")], named("number")),
    nodeOf("Less", [named("number"), named("number")], named("never")),
    { ...nodeOf("Cast", [named("never")], zero), attributes: { to: { type: "int", value: dtypeCode("int64") } } },
  ];
}

/** Each reshape takes what the reshapes before it took: the runtime would join them, and fails where a shape is hidden. */
function withoutChains(graph: Graph): readonly Node[] {
  const origin = new Map<string, string>();
  return graph.nodes.map((node) => {
    const [data = "", shape = ""] = node.inputs;
    if (!isReshape(node) || !isWritten(graph, shape)) return node;
    const first = origin.get(data) ?? data;
    for (const output of node.outputs) origin.set(output, first);
    return { ...node, inputs: [first, shape] };
  });
}

function isReshape({ op, domain }: Node): boolean {
  return op === "Reshape" && domain === "";
}

/** Whether a shape stands in the file with all its lengths, none copied from the operand. */
function isWritten({ initializers }: Graph, shape: string): boolean {
  const tensor = initializers.get(shape);
  return tensor !== undefined && tensor.size > 0 && !tensor.numbers.includes(0);
}

function withoutFirstLength(info: ValueInfo): ValueInfo {
  const { shape } = info;
  return shape === undefined || shape.length === 0 ? info : { ...info, shape: [undefined, ...shape.slice(1)] };
}

function nodeOf(op: string, inputs: readonly string[], output: string): Node {
  return { op, domain: "", name: output, inputs, outputs: [output], attributes: {} };
}
