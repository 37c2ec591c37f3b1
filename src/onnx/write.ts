import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Tensor } from "../base/tensor.ts";
import { dtypeCode } from "./dtypes.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "./model.ts";
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from "./onnx_pb.ts";

/** The bytes of an ONNX file. Equal models give equal bytes. */
export function writeModel(model: Model): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(model.irVersion),
      producerName: model.producer,
      opsetImport: [...model.opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
      metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
      graph: graphProto(model.graph),
    }),
  );
}

function graphProto(graph: Graph): MessageInitShape<typeof GraphProtoSchema> {
  return {
    name: graph.name,
    input: graph.inputs.map(valueInfoProto),
    output: graph.outputs.map(valueInfoProto),
    valueInfo: graph.valueInfos.map(valueInfoProto),
    node: graph.nodes.map(nodeProto),
    initializer: [...graph.initializers].map(([name, tensor]) => tensorProto(name, tensor)),
  };
}

function valueInfoProto({ name, dtype, shape }: ValueInfo): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dims = shape?.map((dim) => ({ value: dimProto(dim) }));
  const value = { elemType: dtypeCode(dtype), ...(dims === undefined ? {} : { shape: { dim: dims } }) };
  return { name, type: { value: { case: "tensorType", value } } };
}

function dimProto(dim: number | string | undefined) {
  if (typeof dim === "number") return { case: "dimValue" as const, value: BigInt(dim) };
  return dim === undefined ? { case: undefined } : { case: "dimParam" as const, value: dim };
}

function nodeProto(node: Node): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute)),
  };
}

const encoder = new TextEncoder();

function attributeProto(name: string, attribute: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  switch (attribute.type) {
    case "int":
      return { name, type: AttributeType.INT, i: BigInt(attribute.value) };
    case "float":
      return { name, type: AttributeType.FLOAT, f: attribute.value };
    case "ints":
      return { name, type: AttributeType.INTS, ints: attribute.value.map(BigInt) };
    case "floats":
      return { name, type: AttributeType.FLOATS, floats: [...attribute.value] };
    case "string":
      return { name, type: AttributeType.STRING, s: encoder.encode(attribute.value) };
    case "strings":
      return { name, type: AttributeType.STRINGS, strings: attribute.value.map((text) => encoder.encode(text)) };
    case "tensor":
      return { name, type: AttributeType.TENSOR, t: tensorProto("", attribute.value) };
    case "graph":
      return { name, type: AttributeType.GRAPH, g: graphProto(attribute.value) };
  }
}

function tensorProto(name: string, tensor: Tensor): MessageInitShape<typeof TensorProtoSchema> {
  return {
    name,
    dataType: dtypeCode(tensor.dtype),
    dims: tensor.shape.map(BigInt),
    rawData: tensor.bytes as Uint8Array<ArrayBuffer>,
  };
}
