import type { DType } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import type { Dim } from "../base/shapes.ts";
import { opsetVersion } from "../graph/emit.ts";
import { type AttributeValue, apply, type Operator, passThrough } from "../graph/operator.ts";
import { constant, input, type TensorType, type Value } from "../graph/value.ts";
import type { Graph, Model, Node, ValueInfo } from "../onnx/model.ts";
import { liftNode } from "./lift.ts";
import { operators } from "./registry.ts";

/** An ONNX graph as values: its inputs in order, and every named tensor. */
export interface Imported {
  readonly inputs: readonly Value[];
  /** Outputs by name, in the file's order. */
  readonly outputs: ReadonlyMap<string, Value>;
}

/**
 * Turns a model file into values that can be cut, extended and differentiated.
 * Operators without a rule pass through with the types that the file declares.
 * Throws `model` when the graph is not sorted, defines a name twice or uses one that nothing defines.
 */
export function importModel(model: Model): Imported {
  const { graph } = model;
  const opset = model.opsets.get("") ?? opsetVersion;
  const values = new Map<string, Value>();
  const define = (name: string, value: Value) => {
    if (values.has(name)) throw new GraftError("model", `the graph defines "${name}" twice.`);
    values.set(name, value);
  };
  for (const info of graph.inputs) define(info.name, input(info.name, info.dtype, shapeOf(info)));
  for (const [name, tensor] of graph.initializers) define(name, constant(tensor, name));
  const declared = declaredTypes(graph);
  for (const original of graph.nodes) {
    const { node, extraInputs } = liftNode(original, opset);
    const inputs = [
      ...node.inputs.map((name) => (name === "" ? undefined : lookUp(values, name, node))),
      ...extraInputs,
    ];
    importNode(node, inputs, declared).forEach((value, i) => {
      const name = node.outputs[i];
      if (name !== undefined && name !== "") define(name, value);
    });
  }
  const outputs = graph.outputs.map(({ name }): [string, Value] => [name, lookUp(values, name, undefined)]);
  return { inputs: graph.inputs.map(({ name }) => lookUp(values, name, undefined)), outputs: new Map(outputs) };
}

function importNode(
  node: Node,
  inputs: readonly (Value | undefined)[],
  declared: ReadonlyMap<string, TensorType>,
): readonly Value[] {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, { value }] of Object.entries(node.attributes)) attributes[name] = value;
  if (node.op === "Constant" && node.domain === "") return [constant(constantTensor(node), node.outputs[0])];
  const known = node.domain === "" ? operators.get(node.op) : undefined;
  const usable = known !== undefined && inputs.every((value) => value === undefined || value.type !== undefined);
  const operator: Operator = usable ? known : passThrough(node.op, node.domain, node.attributes);
  const types = node.outputs.map((name) => declared.get(name));
  return apply(operator, inputs, attributes, { name: node.name || (node.outputs[0] ?? ""), declared: types }).outputs;
}

function constantTensor(node: Node) {
  const value = node.attributes["value"];
  if (value?.type === "tensor") return value.value;
  throw new GraftError("model", `node "${node.name || node.outputs[0]}" (Constant): expected a tensor in "value".`);
}

function declaredTypes(graph: Graph): ReadonlyMap<string, TensorType> {
  const infos = [...graph.valueInfos, ...graph.outputs].filter(({ shape }) => shape !== undefined);
  return new Map(infos.map((info) => [info.name, { dtype: info.dtype as DType, shape: shapeOf(info) }]));
}

function shapeOf({ name, shape }: ValueInfo): readonly Dim[] {
  if (shape === undefined) throw new GraftError("model", `the graph input "${name}" declares no shape; expected one.`);
  return shape.map((dim, axis) => dim ?? `${name}.${axis}`);
}

function lookUp(values: ReadonlyMap<string, Value>, name: string, user: Node | undefined): Value {
  const value = values.get(name);
  if (value !== undefined) return value;
  const where = user === undefined ? "the graph's outputs" : `node "${user.name || user.outputs[0]}" (${user.op})`;
  throw new GraftError(
    "model",
    `${where} use "${name}", which nothing before defines: the file is cyclic, unsorted or incomplete.`,
  );
}
