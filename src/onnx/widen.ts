import type { DType } from "../base/dtypes.ts";
import { Tensor } from "../base/tensor.ts";
import { dtypeCode } from "./dtypes.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "./model.ts";
import { TensorProto_DataType as Code } from "./onnx_pb.ts";
import { StoredTensor } from "./readTensor.ts";

/** Attributes whose number is an element type. */
const typeAttributes = new Set(["to", "dtype", "output_dtype", "stash_type"]);
const otherFloats = new Set<number>([Code.FLOAT16, Code.BFLOAT16, Code.DOUBLE]);

/**
 * The same model with every float16, bfloat16 and float64 as float32: weights, inputs, outputs, constants, casts, graphs inside nodes.
 * One float type throughout is what gradients and fast kernels need.
 */
export function widenModel(model: Model): Model {
  const functions = model.functions?.map((each) => ({ ...each, nodes: each.nodes.map(widenNode) })) ?? [];
  return { ...model, graph: widenGraph(model.graph), functions };
}

/** A tensor of float32 in place of other floats. How the file stored it no longer matters, and is forgotten. */
export function widenTensor(tensor: Tensor): Tensor {
  if (tensor instanceof StoredTensor) return widenTensor(new Tensor(tensor.dtype, tensor.shape, tensor.bytes));
  if (tensor.dtype === "float64") return Tensor.float32(tensor.shape, tensor.numbers);
  if (tensor.dtype !== "float16") return tensor;
  const bits = tensor.data;
  const table = halves();
  const widened = new Float32Array(bits.length);
  for (let i = 0; i < widened.length; i++) widened[i] = table[Number(bits[i])];
  return Tensor.of("float32", tensor.shape, widened);
}

function widenGraph(graph: Graph): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map(widenInfo),
    outputs: graph.outputs.map(widenInfo),
    valueInfos: graph.valueInfos.map(widenInfo),
    nodes: graph.nodes.map(widenNode),
    initializers: new Map([...graph.initializers].map(([name, tensor]) => [name, widenTensor(tensor)])),
  };
}

function widenInfo(info: ValueInfo): ValueInfo {
  const dtype: DType | undefined = info.dtype === "float16" || info.dtype === "float64" ? "float32" : info.dtype;
  return dtype === info.dtype ? info : { ...info, dtype };
}

function widenNode(node: Node): Node {
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => [
    name,
    widenAttribute(name, attribute, node),
  ]);
  return { ...node, attributes: Object.fromEntries(attributes) };
}

function widenAttribute(name: string, attribute: Attribute, { domain }: Node): Attribute {
  if (attribute.type === "tensor") return { ...attribute, value: widenTensor(attribute.value) };
  if (attribute.type === "graph") return { ...attribute, value: widenGraph(attribute.value) };
  const isType = domain === "" && attribute.type === "int" && typeAttributes.has(name);
  return isType && otherFloats.has(attribute.value) ? { type: "int", value: dtypeCode("float32") } : attribute;
}

let table: Float32Array | undefined;

/** The value of every float16 (IEEE 754 binary16) by its bits. */
function halves(): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 0x3ff;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
  return table;
}
