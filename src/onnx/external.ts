import { GraftError } from "../base/errors.ts";
import { sizeOf } from "../base/tensor.ts";
import { isHeld } from "./dtypes.ts";
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from "./onnx_pb.ts";
import { TensorProto_DataLocation as Location } from "./onnx_pb.ts";
import { type ExternalData, storedWidth, tensorShape } from "./readTensor.ts";

/** The files in and below a model's folder, by their path from there. Whoever passes them in guards against links that lead out. */
export interface Siblings {
  /** Size in bytes, or nothing when no such file lies in the folder. */
  size(location: string): Promise<number | undefined>;
  read(location: string, offset: number, length: number): Promise<Uint8Array>;
}

/** More external data than this is refused: no machine that trains here holds it. */
const limitBytes = 64 * 2 ** 30;

interface Part {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Reads what the tensors of `proto` keep in other files. Every range is checked before anything is read. */
export async function readExternal(proto: ModelProto, fileName: string, siblings: Siblings): Promise<ExternalData> {
  const parts = new Map<TensorProto, Part>();
  for (const tensor of tensorsOf(proto)) {
    if (tensor.dataLocation === Location.EXTERNAL && isHeld(tensor.dataType)) {
      parts.set(tensor, partOf(tensor, `"${fileName}", tensor "${tensor.name}"`));
    }
  }
  await checkSizes([...parts.values()], fileName, siblings);
  const read = new Map<string, Uint8Array>();
  const data = new Map<TensorProto, Uint8Array>();
  for (const [tensor, part] of parts) {
    const bytes = read.get(keyOf(part)) ?? (await siblings.read(part.location, part.offset, part.length));
    read.set(keyOf(part), bytes);
    data.set(tensor, bytes);
  }
  return data;
}

function partOf(tensor: TensorProto, where: string): Part {
  const given = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = given.get("location") ?? "";
  if (!staysInside(location)) {
    throw new GraftError(
      "model",
      `${where}: its data lie at ${JSON.stringify(location)}; expected a path inside the model's own folder.`,
    );
  }
  const offset = byteCount(given.get("offset"), "offset", where) ?? 0;
  const expected = sizeOf(tensorShape(tensor, where)) * storedWidth(tensor.dataType, where);
  const length = byteCount(given.get("length"), "length", where) ?? expected;
  if (length === expected) return { location, offset, length };
  throw new GraftError(
    "model",
    `${where}: it names ${length} bytes of "${location}", expected ${expected} for [${tensor.dims}].`,
  );
}

/** Relative on every system, without a step up. */
function staysInside(location: string): boolean {
  if (location === "" || location.includes("\0") || /^[/\\]|^[A-Za-z]:/.test(location)) return false;
  return !location.split(/[/\\]/).includes("..");
}

function byteCount(text: string | undefined, key: string, where: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new GraftError("model", `${where}: the ${key} of its external data is "${text}"; expected a number of bytes.`);
}

async function checkSizes(parts: readonly Part[], fileName: string, siblings: Siblings): Promise<void> {
  const groups = new Map<string, Part[]>();
  for (const part of new Map(parts.map((each) => [keyOf(each), each])).values()) {
    const group = groups.get(part.location) ?? [];
    group.push(part);
    groups.set(part.location, group);
  }
  let total = 0;
  for (const [location, group] of groups) {
    const size = await siblings.size(location);
    if (size === undefined) {
      throw new GraftError(
        "model",
        `"${fileName}" keeps weights in "${location}", which does not lie in its folder. Put that file beside it.`,
      );
    }
    let used = 0;
    for (const { offset, length } of group) {
      used += length;
      if (offset + length > size) {
        throw new GraftError(
          "model",
          `"${fileName}" wants bytes ${offset} to ${offset + length} of "${location}", which has ${size}. Is it whole?`,
        );
      }
    }
    if (used > size) {
      throw new GraftError("model", `"${fileName}": its tensors overlap in "${location}" (${used} bytes of ${size}).`);
    }
    total += used;
  }
  if (total > limitBytes) {
    throw new GraftError("model", `"${fileName}" wants ${total} bytes of weights; at most ${limitBytes} are read.`);
  }
}

function keyOf({ location, offset, length }: Part): string {
  return `${offset}+${length} ${location}`;
}

function* tensorsOf(proto: ModelProto): Generator<TensorProto> {
  if (proto.graph !== undefined) yield* tensorsOfGraph(proto.graph);
  for (const { node } of proto.functions) for (const each of node) yield* tensorsOfNode(each);
}

function* tensorsOfGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) yield* tensorsOfNode(node);
}

function* tensorsOfNode(node: NodeProto): Generator<TensorProto> {
  for (const attribute of node.attribute) yield* tensorsOfAttribute(attribute);
}

function* tensorsOfAttribute({ t, g }: AttributeProto): Generator<TensorProto> {
  if (t !== undefined) yield t;
  if (g !== undefined) yield* tensorsOfGraph(g);
}
