import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { heldDtype, isHeld, typeName } from "./dtypes.ts";
import type { Attribute, Graph, Node, ValueInfo } from "./model.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
  type ValueInfoProto,
} from "./onnx_pb.ts";
import { type ExternalData, limitRank, readTensor } from "./readTensor.ts";

/** The standard domain has two spellings. */
export function shortDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** A graph with everything in it. Throws `model` naming `where`. */
export function readGraph(proto: GraphProto, where: string, external: ExternalData): Graph {
  const initializers = new Map<string, Tensor>();
  const unheld = new Map<string, string>();
  for (const tensor of proto.initializer) {
    const { name, dataType } = tensor;
    if (initializers.has(name) || unheld.has(name)) throw twice(where, name);
    if (isHeld(dataType)) initializers.set(name, readTensor(tensor, `${where}, initializer "${name}"`, external));
    else unheld.set(name, typeName(dataType));
  }
  for (const { values } of proto.sparseInitializer) {
    if (values === undefined) continue;
    if (initializers.has(values.name) || unheld.has(values.name)) throw twice(where, values.name);
    unheld.set(values.name, "sparse");
  }
  return {
    name: proto.name,
    inputs: proto.input.map((info) => readValueInfo(info, where)),
    outputs: proto.output.map((info) => readValueInfo(info, where)),
    valueInfos: proto.valueInfo.map((info) => readValueInfo(info, where)),
    nodes: proto.node.map((node) => readNode(node, where, external)),
    initializers,
    ...(unheld.size > 0 ? { unheld } : {}),
    origin: proto,
  };
}

function twice(where: string, name: string): GraftError {
  return new GraftError("model", `${where}: the initializer "${name}" is defined twice.`);
}

/** The declared type of a value; what Graft does not hold comes without one. */
export function readValueInfo(proto: ValueInfoProto, where: string): ValueInfo {
  const type = proto.type?.value;
  const { name } = proto;
  if (type?.case !== "tensorType" || !isHeld(type.value.elemType)) {
    return { name, dtype: undefined, shape: undefined, origin: proto };
  }
  const dims = type.value.shape?.dim;
  if (dims !== undefined && dims.length > limitRank) {
    throw new GraftError("model", `${where}: "${name}" has ${dims.length} axes; expected ${limitRank} at most.`);
  }
  const shape = dims?.map(({ value }) => {
    if (value.case === "dimValue") return value.value < 0n ? undefined : safeLength(value.value, name, where);
    return value.case === "dimParam" && value.value !== "" ? value.value : undefined;
  });
  return { name, dtype: heldDtype(type.value.elemType, where), shape, origin: proto };
}

function safeLength(length: bigint, name: string, where: string): number {
  if (length <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(length);
  throw new GraftError("model", `${where}: "${name}" has an axis of the impossible length ${length}.`);
}

/** One node; attributes by name. */
export function readNode(proto: NodeProto, graph: string, external: ExternalData): Node {
  const where = `${graph}, node "${proto.name || proto.output[0]}" (${proto.opType})`;
  const attributes = new Map<string, Attribute>();
  for (const attribute of proto.attribute) {
    const { name } = attribute;
    if (attributes.has(name)) throw new GraftError("model", `${where}: the attribute "${name}" is given twice.`);
    attributes.set(name, { ...readAttribute(attribute, where, external), origin: attribute });
  }
  return {
    op: proto.opType,
    domain: shortDomain(proto.domain),
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: Object.fromEntries(attributes),
    origin: proto,
  };
}

const decoder = new TextDecoder();

/** One attribute, without its origin. */
export function readAttribute(proto: AttributeProto, where: string, external: ExternalData): Attribute {
  switch (proto.refAttrName === "" ? attributeType(proto) : undefined) {
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
      if (proto.t === undefined) throw incomplete(where, proto, "tensor");
      if (!isHeld(proto.t.dataType)) return { type: "other", value: proto };
      return { type: "tensor", value: readTensor(proto.t, `${where}, "${proto.name}"`, external) };
    case AttributeType.GRAPH:
      if (proto.g === undefined) throw incomplete(where, proto, "graph");
      return { type: "graph", value: readGraph(proto.g, where, external) };
    default:
      return { type: "other", value: proto };
  }
}

function incomplete(where: string, { name }: AttributeProto, what: string): GraftError {
  return new GraftError("model", `${where}: the attribute "${name}" promises a ${what} and holds none.`);
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
