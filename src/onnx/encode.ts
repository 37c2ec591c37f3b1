import { clearField, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type GraphProto, GraphProtoSchema, type ModelProto, ModelProtoSchema, TensorProtoSchema } from "./onnx_pb.ts";
import { copyOf } from "./protoCopy.ts";

/**
 * The same bytes as `toBinary`, which copies whatever lies inside a message once for each message around it: here the raw data of the
 * graph's initialisers is copied once.
 */
export function encodeModel(model: ModelProto): Uint8Array {
  const { graph } = model;
  const chunks = graph === undefined ? [] : delimited(ModelProtoSchema.field.graph.number, graphChunks(graph));
  return joined(around(ModelProtoSchema, model, ModelProtoSchema.field.graph.number, chunks));
}

function graphChunks(graph: GraphProto): readonly Uint8Array[] {
  const { number } = GraphProtoSchema.field.initializer;
  const initializers = graph.initializer.flatMap((tensor) => {
    const field = TensorProtoSchema.field.rawData.number;
    const raw = Object.hasOwn(tensor, "rawData") ? delimited(field, [tensor.rawData]) : [];
    return delimited(number, around(TensorProtoSchema, tensor, field, raw));
  });
  return around(GraphProtoSchema, graph, number, initializers);
}

/** A message of which one field is already encoded. */
function around<S extends DescMessage>(
  schema: S,
  message: MessageShape<S>,
  at: number,
  encoded: readonly Uint8Array[],
): readonly Uint8Array[] {
  const [before, after] = [copyOf(message), copyOf(message)];
  delete before.$unknown;
  for (const field of schema.fields) {
    if (field.number >= at) clearField(before, field);
    if (field.number <= at) clearField(after, field);
  }
  return [toBinary(schema, before), ...encoded, toBinary(schema, after)];
}

function delimited(field: number, chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  const header = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(lengthOf(chunks)).finish();
  return [header, ...chunks];
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(chunks));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
