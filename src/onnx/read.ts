import { fromBinary } from "@bufbuild/protobuf";
import { GraftError, messageOf } from "../base/errors.ts";
import { readExternal, type Siblings } from "./external.ts";
import type { Attribute, LocalFunction, Model } from "./model.ts";
import { type FunctionProto, type ModelProto, ModelProtoSchema, type OperatorSetIdProto } from "./onnx_pb.ts";
import { readAttribute, readGraph, readNode, shortDomain } from "./readGraph.ts";
import type { ExternalData } from "./readTensor.ts";

/**
 * Reads an ONNX file that holds all its data. Weights stay views into `bytes`.
 * Throws `model` when the bytes are not a whole, consistent ONNX model.
 */
export function readModel(bytes: Uint8Array, fileName = "the model"): Model {
  return modelFrom(parse(bytes, fileName), fileName, new Map());
}

/** Reads an ONNX file whose weights may lie in files beside it (ONNX, "External Data"). */
export async function readModelWithSiblings(bytes: Uint8Array, fileName: string, siblings: Siblings): Promise<Model> {
  const proto = parse(bytes, fileName);
  return modelFrom(proto, fileName, await readExternal(proto, fileName, siblings));
}

function parse(bytes: Uint8Array, fileName: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new GraftError("model", `"${fileName}" is not a whole ONNX file: ${messageOf(cause)}.`, { cause });
  }
}

function modelFrom(proto: ModelProto, fileName: string, external: ExternalData): Model {
  if (proto.graph === undefined || proto.opsetImport.length === 0) {
    throw new GraftError("model", `"${fileName}" is not an ONNX model: it has no graph or no operator set.`);
  }
  return {
    irVersion: Number(proto.irVersion),
    opsets: readOpsets(proto.opsetImport),
    producer: proto.producerName,
    metadata: readMetadata(proto),
    graph: readGraph(proto.graph, `"${fileName}"`, external),
    functions: proto.functions.map((each) => readFunction(each, `"${fileName}"`, external)),
    origin: proto,
  };
}

/** Operator set versions by domain. */
export function readOpsets(sets: readonly OperatorSetIdProto[]): ReadonlyMap<string, number> {
  return new Map(sets.map(({ domain, version }) => [shortDomain(domain), Number(version)]));
}

export function readMetadata(proto: ModelProto): ReadonlyMap<string, string> {
  return new Map(proto.metadataProps.map(({ key, value }) => [key, value]));
}

function readFunction(proto: FunctionProto, model: string, external: ExternalData): LocalFunction {
  const where = `${model}, function "${proto.name}"`;
  const defaults = proto.attributeProto.map((each): [string, Attribute] => [
    each.name,
    { ...readAttribute(each, where, external), origin: each },
  ]);
  return {
    name: proto.name,
    domain: shortDomain(proto.domain),
    overload: proto.overload,
    opsets: readOpsets(proto.opsetImport),
    inputs: proto.input,
    outputs: proto.output,
    defaults: Object.fromEntries(defaults),
    nodes: proto.node.map((node) => readNode(node, where, external)),
  };
}
