import { widenBfloat16 } from "../base/bfloat16.ts";
import { arrayOf, type DType, dtypeBytes } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { heldDtype, typeName } from "./dtypes.ts";
import { TensorProto_DataType as Code, TensorProto_DataLocation as Location, type TensorProto } from "./onnx_pb.ts";

/** The bytes of tensors whose data lie in other files. */
export type ExternalData = ReadonlyMap<TensorProto, Uint8Array>;

/** A tensor as a file holds it: when it is written again, its documentation and the way its values were stored survive. */
export class StoredTensor extends Tensor {
  readonly origin: TensorProto;

  constructor(dtype: DType, shape: readonly number[], bytes: Uint8Array, origin: TensorProto) {
    super(dtype, shape, bytes);
    this.origin = origin;
  }
}

/** Ranks beyond this are taken for damage: they would make every shape rule slow. */
export const limitRank = 64;

/** Reads one tensor; raw data stay a view into the file. Throws `model` naming `where`. */
export function readTensor(proto: TensorProto, where: string, external: ExternalData): Tensor {
  const shape = tensorShape(proto, where);
  const dtype = heldDtype(proto.dataType, where);
  const raw = rawBytes(proto, where, external);
  if (raw === undefined) return new StoredTensor(dtype, shape, unpack(proto, shape, where), proto);
  const expected = sizeOf(shape) * storedWidth(proto.dataType, where);
  if (raw.length !== expected) {
    throw new GraftError(
      "model",
      `${where}: found ${raw.length} bytes, expected ${expected} for ${typeName(proto.dataType)} [${shape}].`,
    );
  }
  return new StoredTensor(dtype, shape, proto.dataType === Code.BFLOAT16 ? widenBfloat16(raw) : raw, proto);
}

/** The checked dimensions of a tensor. */
export function tensorShape(proto: TensorProto, where: string): readonly number[] {
  const shape = proto.dims.map(Number);
  const possible = shape.every((dim) => dim >= 0 && Number.isSafeInteger(dim)) && Number.isSafeInteger(sizeOf(shape));
  if (possible && shape.length <= limitRank) return shape;
  throw new GraftError(
    "model",
    `${where}: impossible shape [${proto.dims.slice(0, 8)}${shape.length > 8 ? ", …" : ""}] of rank ${shape.length}.`,
  );
}

/** Bytes per element in the file. */
export function storedWidth(code: number, where: string): number {
  return code === Code.BFLOAT16 ? 2 : dtypeBytes[heldDtype(code, where)];
}

function rawBytes(proto: TensorProto, where: string, external: ExternalData): Uint8Array | undefined {
  if (proto.dataLocation === Location.EXTERNAL) {
    const bytes = external.get(proto);
    if (bytes !== undefined) return bytes;
    throw new GraftError(
      "model",
      `${where}: its data lie in another file, and only the model itself was given. ` +
        "Load the model by its path, with its data files beside it, or save it as one file.",
    );
  }
  if (proto.segment !== undefined) {
    throw new GraftError("model", `${where}: it is one segment of a tensor; expected whole tensors.`);
  }
  return proto.rawData.length > 0 || typedValues(proto).length === 0 ? proto.rawData : undefined;
}

/** The field of `TensorProto` that holds values of its type when there are no raw bytes (onnx.proto, TensorProto). */
function typedValues(proto: TensorProto): readonly number[] | readonly bigint[] {
  switch (proto.dataType) {
    case Code.FLOAT:
      return proto.floatData;
    case Code.DOUBLE:
      return proto.doubleData;
    case Code.INT64:
      return proto.int64Data;
    case Code.UINT32:
    case Code.UINT64:
      return proto.uint64Data;
    default:
      return proto.int32Data;
  }
}

/** 16-bit floats come as bit patterns in `int32_data`. */
function unpack(proto: TensorProto, shape: readonly number[], where: string): Uint8Array {
  const values = typedValues(proto);
  if (values.length !== sizeOf(shape)) {
    throw new GraftError("model", `${where}: found ${values.length} values, expected ${sizeOf(shape)} for [${shape}].`);
  }
  if (proto.dataType === Code.BFLOAT16)
    return bytesOf(Uint32Array.from<number | bigint>(values, (bits) => (Number(bits) << 16) >>> 0));
  const dtype = heldDtype(proto.dataType, where);
  if (dtype === "int64") return bytesOf(BigInt64Array.from(proto.int64Data));
  if (dtype === "uint64") return bytesOf(BigUint64Array.from(proto.uint64Data));
  const data = new arrayOf[dtype](values.length);
  for (let i = 0; i < values.length; i++) data[i] = Number(values[i]);
  return bytesOf(data);
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
