import { clearField, create } from "@bufbuild/protobuf";
import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { dtypeCode, isHeld } from "./dtypes.ts";
import { encodeModel } from "./encode.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "./model.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as Code,
  type GraphProto,
  GraphProtoSchema,
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx_pb.ts";
import { copyOf } from "./protoCopy.ts";
import { readMetadata, readOpsets } from "./read.ts";
import { readAttribute, readValueInfo, shortDomain } from "./readGraph.ts";
import { StoredTensor } from "./readTensor.ts";

/** Protocol buffers, and so ONNX files, end here (onnx/docs/ExternalData.md). */
const limitBytes = 2 ** 31 - 1;

/**
 * The bytes of an ONNX file, all data inside. Equal models give equal bytes; what was read and not changed keeps its bytes.
 * Throws `model` when the weights exceed what one file can hold.
 */
export function writeModel(model: Model): Uint8Array {
  checkSize(model.graph);
  return encodeModel(modelProto(model));
}

function modelProto(model: Model): ModelProto {
  const proto = model.origin === undefined ? create(ModelProtoSchema) : copyOf(model.origin);
  if (Number(proto.irVersion) !== model.irVersion) proto.irVersion = BigInt(model.irVersion);
  if (proto.producerName !== model.producer) proto.producerName = model.producer;
  if (!sameEntries(readOpsets(proto.opsetImport), model.opsets)) {
    proto.opsetImport = [...model.opsets].map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    );
  }
  if (!sameEntries(readMetadata(proto), model.metadata)) {
    proto.metadataProps = [...model.metadata].map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
  }
  proto.graph = graphProto(model.graph);
  return proto;
}

/** A model whose large weights lie outside it, as an engine takes them. */
export interface ModelParts {
  readonly bytes: Uint8Array;
  /** Views of the weights themselves, by location. */
  readonly externalData: ReadonlyMap<string, Uint8Array>;
}

/** Initialisers of fewer bytes stay inside: each one outside costs a lookup. */
const smallestOutside = 64 * 1024;

/** `writeModel` without a copy of the weights, for a model that is compiled at once and not kept. */
export function writeModelParts(model: Model): ModelParts {
  const externalData = new Map<string, Uint8Array>();
  const proto = modelProto(model);
  if (proto.graph !== undefined) {
    proto.graph.initializer = proto.graph.initializer.map((initializer) => {
      if (initializer.rawData.length < smallestOutside) return initializer;
      const location = `weights/${externalData.size}`;
      externalData.set(location, initializer.rawData);
      return outside(initializer, location);
    });
  }
  return { bytes: encodeModel(proto), externalData };
}

function outside(initializer: TensorProto, location: string): TensorProto {
  const stated = { location, offset: "0", length: String(initializer.rawData.length) };
  const proto = Object.assign(copyOf(initializer), {
    dataLocation: Location.EXTERNAL,
    externalData: Object.entries(stated).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  });
  clearField(proto, TensorProtoSchema.field.rawData);
  return proto;
}

function checkSize(graph: Graph): void {
  let bytes = 0;
  for (const tensor of graph.initializers.values()) bytes += tensor.bytes.length;
  if (bytes <= limitBytes) return;
  throw new GraftError(
    "model",
    `the graph "${graph.name}" holds ${bytes} bytes of weights; an ONNX file holds ${limitBytes} at most. Use a smaller backbone.`,
  );
}

function graphProto(graph: Graph): GraphProto {
  const proto = graph.origin === undefined ? create(GraphProtoSchema) : copyOf(graph.origin);
  if (proto.name !== graph.name) proto.name = graph.name;
  proto.input = graph.inputs.map(valueInfoProto);
  proto.output = graph.outputs.map(valueInfoProto);
  proto.valueInfo = graph.valueInfos.map(valueInfoProto);
  proto.node = graph.nodes.map(nodeProto);
  proto.initializer = initializerProtos(graph);
  return proto;
}

/** In the order of the file; those that Graft does not hold stay where they were. */
function initializerProtos({ initializers, origin }: Graph): TensorProto[] {
  const kept = (origin?.initializer ?? []).flatMap((proto) => {
    const tensor = initializers.get(proto.name);
    if (tensor !== undefined) return [tensorProto(proto.name, tensor)];
    return isHeld(proto.dataType) ? [] : [proto];
  });
  const known = new Set(kept.map(({ name }) => name));
  const added = [...initializers].filter(([name]) => !known.has(name));
  return [...kept, ...added.map(([name, tensor]) => tensorProto(name, tensor))];
}

function valueInfoProto(info: ValueInfo): ValueInfoProto {
  const proto = info.origin === undefined ? create(ValueInfoProtoSchema) : copyOf(info.origin);
  if (proto.name !== info.name) proto.name = info.name;
  if (info.origin === undefined || !sameType(readValueInfo(info.origin, ""), info)) proto.type = typeProto(info);
  return proto;
}

function sameType(a: ValueInfo, b: ValueInfo): boolean {
  return a.dtype === b.dtype && JSON.stringify(a.shape) === JSON.stringify(b.shape);
}

function typeProto({ name, dtype, shape }: ValueInfo): TypeProto {
  if (dtype === undefined) throw new GraftError("model", `"${name}" has no element type that Graft can write.`);
  const dims = shape?.map((dim) => ({ value: dimProto(dim) }));
  const value = { elemType: dtypeCode(dtype), ...(dims === undefined ? {} : { shape: { dim: dims } }) };
  return create(TypeProtoSchema, { value: { case: "tensorType", value } });
}

function dimProto(dim: number | string | undefined) {
  if (typeof dim === "number") return { case: "dimValue" as const, value: BigInt(dim) };
  return dim === undefined ? { case: undefined } : { case: "dimParam" as const, value: dim };
}

function nodeProto(node: Node): NodeProto {
  const proto = node.origin === undefined ? create(NodeProtoSchema) : copyOf(node.origin);
  if (proto.opType !== node.op) proto.opType = node.op;
  if (shortDomain(proto.domain) !== node.domain) proto.domain = node.domain;
  if (proto.name !== node.name) proto.name = node.name;
  proto.input = [...node.inputs];
  proto.output = [...node.outputs];
  proto.attribute = Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute));
  return proto;
}

const encoder = new TextEncoder();

/** A number that is as it was read keeps all its 64 bits. */
function attributeProto(name: string, attribute: Attribute): AttributeProto {
  const { origin, type, value } = attribute;
  const proto = origin === undefined ? create(AttributeProtoSchema, { name }) : copyOf(origin);
  if (proto.name !== name) proto.name = name;
  if (type === "graph") return Object.assign(proto, { type: AttributeType.GRAPH, g: graphProto(value) });
  if (type === "tensor") return Object.assign(proto, { type: AttributeType.TENSOR, t: tensorProto("", value) });
  if (origin !== undefined && String(readAttribute(origin, "", new Map()).value) === String(value)) return proto;
  switch (type) {
    case "int":
      return Object.assign(proto, { type: AttributeType.INT, i: int64(value) });
    case "float":
      return Object.assign(proto, { type: AttributeType.FLOAT, f: value });
    case "ints":
      return Object.assign(proto, { type: AttributeType.INTS, ints: value.map(int64) });
    case "floats":
      return Object.assign(proto, { type: AttributeType.FLOATS, floats: [...value] });
    case "string":
      return Object.assign(proto, { type: AttributeType.STRING, s: encoder.encode(value) });
    case "strings":
      return Object.assign(proto, { type: AttributeType.STRINGS, strings: value.map((text) => encoder.encode(text)) });
    case "other":
      return value;
  }
}

/** Numbers hold the largest 64-bit integer, which means "to the end", only rounded up. */
function int64(value: number): bigint {
  return value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value);
}

function tensorProto(name: string, tensor: Tensor): TensorProto {
  const proto = tensor instanceof StoredTensor ? storedProto(tensor) : rawProto(tensor);
  if (proto.name !== name && name !== "") proto.name = name;
  return proto;
}

function rawProto(tensor: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    dataType: dtypeCode(tensor.dtype),
    dims: tensor.shape.map(BigInt),
    rawData: tensor.bytes as Uint8Array<ArrayBuffer>,
  });
}

/** What lay in another file moves inside. bfloat16 was widened and is written as it was read. */
function storedProto(tensor: StoredTensor): TensorProto {
  const proto = copyOf(tensor.origin);
  if (proto.dataLocation !== Location.EXTERNAL) return proto;
  return Object.assign(proto, {
    dataLocation: Location.DEFAULT,
    externalData: [],
    dataType: proto.dataType === Code.BFLOAT16 ? Code.FLOAT : proto.dataType,
    rawData: tensor.bytes,
  });
}

function sameEntries<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  return a.size === b.size && [...b].every(([key, value]) => a.has(key) && a.get(key) === value);
}
