import { fromBinary } from "@bufbuild/protobuf";
import { arrayOf, dtypeBytes } from "../base/dtypes.ts";
import { GraftError, messageOf } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { dtypeFromCode } from "./dtypes.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "./model.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type ValueInfoProto,
} from "./onnx_pb.ts";

/**
 * Reads an ONNX file. Weights stay views into `bytes`.
 * Throws `model` when the bytes are not a whole, consistent ONNX model.
 */
export function readModel(bytes: Uint8Array, fileName = "the model"): Model {
  const proto = parse(bytes, fileName);
  if (proto.graph === undefined || proto.opsetImport.length === 0) {
    throw new GraftError("model", `"${fileName}" is not an ONNX model: it has no graph or no operator set.`);
  }
  return {
    irVersion: Number(proto.irVersion),
    opsets: new Map(proto.opsetImport.map((set) => [set.domain === "ai.onnx" ? "" : set.domain, Number(set.version)])),
    producer: proto.producerName,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
    graph: readGraph(proto.graph, fileName),
  };
}

function parse(bytes: Uint8Array, fileName: string) {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new GraftError("model", `"${fileName}" is not a whole ONNX file: ${messageOf(cause)}.`, { cause });
  }
}

function readGraph(proto: GraphProto, fileName: string): Graph {
  const initializers = new Map<string, Tensor>();
  for (const tensor of proto.initializer) {
    if (initializers.has(tensor.name)) {
      throw new GraftError("model", `"${fileName}": the initializer "${tensor.name}" is defined twice.`);
    }
    initializers.set(tensor.name, readTensor(tensor, `"${fileName}", initializer "${tensor.name}"`));
  }
  return {
    name: proto.name,
    inputs: proto.input.filter(({ name }) => !initializers.has(name)).map((info) => readValueInfo(info, fileName)),
    outputs: proto.output.map((info) => readValueInfo(info, fileName)),
    valueInfos: proto.valueInfo.filter(hasTensorType).map((info) => readValueInfo(info, fileName)),
    nodes: proto.node.map((node) => readNode(node, fileName)),
    initializers,
  };
}

function hasTensorType(info: ValueInfoProto): boolean {
  return info.type?.value.case === "tensorType" && info.type.value.value.elemType !== 0;
}

function readValueInfo(proto: ValueInfoProto, fileName: string): ValueInfo {
  const type = proto.type?.value;
  if (type?.case !== "tensorType") {
    throw new GraftError("model", `"${fileName}": "${proto.name}" is not a tensor (found ${type?.case ?? "no type"}).`);
  }
  const shape = type.value.shape?.dim.map(({ value }) => {
    if (value.case === "dimValue") return value.value < 0n ? undefined : Number(value.value);
    return value.case === "dimParam" && value.value !== "" ? value.value : undefined;
  });
  return { name: proto.name, dtype: dtypeFromCode(type.value.elemType, `"${fileName}", "${proto.name}"`), shape };
}

function readNode(proto: NodeProto, fileName: string): Node {
  const where = `"${fileName}", node "${proto.name || proto.output[0]}" (${proto.opType})`;
  return {
    op: proto.opType,
    domain: proto.domain === "ai.onnx" ? "" : proto.domain,
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: Object.fromEntries(
      proto.attribute.map((attribute) => [attribute.name, readAttribute(attribute, where)]),
    ),
  };
}

const decoder = new TextDecoder();

function readAttribute(proto: AttributeProto, where: string): Attribute {
  switch (attributeType(proto)) {
    case AttributeType.INT:
      return { type: "int", value: Number(proto.i) };
    case AttributeType.FLOAT:
      return { type: "float", value: proto.f };
    case AttributeType.INTS:
      return { type: "ints", value: proto.ints.map(Number) };
    case AttributeType.FLOATS:
      return { type: "floats", value: proto.floats };
    case AttributeType.STRING:
      return { type: "string", value: decoder.decode(proto.s) };
    case AttributeType.STRINGS:
      return { type: "strings", value: proto.strings.map((text) => decoder.decode(text)) };
    case AttributeType.TENSOR:
      if (proto.t !== undefined) return { type: "tensor", value: readTensor(proto.t, `${where}, "${proto.name}"`) };
      break;
    case AttributeType.GRAPH:
      if (proto.g !== undefined) return { type: "graph", value: readGraph(proto.g, where) };
      break;
    default:
  }
  throw new GraftError(
    "model",
    `${where}: the attribute "${proto.name}" has a type that is not supported (${proto.type}).`,
  );
}

/** Files of IR version 1 leave the type out; it then follows from the field that is filled. */
function attributeType(proto: AttributeProto): AttributeType {
  if (proto.type !== AttributeType.UNDEFINED) return proto.type;
  if (proto.ints.length > 0) return AttributeType.INTS;
  if (proto.floats.length > 0) return AttributeType.FLOATS;
  if (proto.strings.length > 0) return AttributeType.STRINGS;
  if (proto.t !== undefined) return AttributeType.TENSOR;
  if (proto.g !== undefined) return AttributeType.GRAPH;
  if (proto.s.length > 0) return AttributeType.STRING;
  return proto.f !== 0 ? AttributeType.FLOAT : AttributeType.INT;
}

function readTensor(proto: TensorProto, where: string): Tensor {
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new GraftError(
      "model",
      `${where}: its data lie in another file, which is not supported yet. Save the model as one file.`,
    );
  }
  const dtype = dtypeFromCode(proto.dataType, where);
  const shape = proto.dims.map(Number);
  if (shape.some((dim) => dim < 0 || !Number.isSafeInteger(dim)) || !Number.isSafeInteger(sizeOf(shape))) {
    throw new GraftError("model", `${where}: impossible shape [${proto.dims}].`);
  }
  const expected = sizeOf(shape) * dtypeBytes[dtype];
  if (proto.rawData.length > 0 || expected === 0) {
    if (proto.rawData.length === expected) return new Tensor(dtype, shape, proto.rawData);
    throw new GraftError(
      "model",
      `${where}: found ${proto.rawData.length} bytes, expected ${expected} for ${dtype} [${shape}].`,
    );
  }
  return unpackTensor(proto, dtype, shape, where);
}

/** Values in the typed fields; 16-bit floats come as bit patterns in `int32_data` (onnx.proto, TensorProto). */
function unpackTensor(proto: TensorProto, dtype: Tensor["dtype"], shape: readonly number[], where: string): Tensor {
  const fields = [proto.floatData, proto.int32Data, proto.int64Data, proto.doubleData, proto.uint64Data];
  const values: readonly (number | bigint)[] = fields.find((field) => field.length > 0) ?? [];
  if (values.length !== sizeOf(shape)) {
    throw new GraftError("model", `${where}: found ${values.length} values, expected ${sizeOf(shape)} for [${shape}].`);
  }
  if (dtype === "int64") return Tensor.of(dtype, shape, BigInt64Array.from(values, BigInt));
  if (dtype === "uint64") return Tensor.of(dtype, shape, BigUint64Array.from(values, BigInt));
  const data = new arrayOf[dtype](values.length);
  for (let i = 0; i < values.length; i++) data[i] = Number(values[i]);
  return Tensor.of(dtype, shape, data);
}
