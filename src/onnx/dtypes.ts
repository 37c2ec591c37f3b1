import type { DType } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { TensorProto_DataType as Code } from "./onnx_pb.ts";

const codes = {
  float32: Code.FLOAT,
  float16: Code.FLOAT16,
  float64: Code.DOUBLE,
  int8: Code.INT8,
  uint8: Code.UINT8,
  int16: Code.INT16,
  uint16: Code.UINT16,
  int32: Code.INT32,
  uint32: Code.UINT32,
  int64: Code.INT64,
  uint64: Code.UINT64,
  bool: Code.BOOL,
} as const satisfies Record<DType, Code>;

const dtypes = new Map<number, DType>(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));

/** The number that ONNX gives to an element type (`TensorProto.DataType`). */
export function dtypeCode(dtype: DType): number {
  return codes[dtype];
}

/** The element type behind ONNX's number. Throws `model` for types that Graft does not hold (strings, complex, 4- and 8-bit floats). */
export function dtypeFromCode(code: number, where: string): DType {
  const dtype = dtypes.get(code);
  if (dtype !== undefined) return dtype;
  throw new GraftError(
    "model",
    `${where}: element type ${Code[code] ?? code} is not supported; expected one of ${[...dtypes.values()].join(", ")}.`,
  );
}

/** Whether Graft holds tensors of this type. bfloat16 counts: it is a prefix of float32 and is read as such. */
export function isHeld(code: number): boolean {
  return code === Code.BFLOAT16 || dtypes.has(code);
}

/** The element type in which Graft holds tensors of ONNX's type `code`. */
export function heldDtype(code: number, where: string): DType {
  return code === Code.BFLOAT16 ? "float32" : dtypeFromCode(code, where);
}

/** ONNX's name of an element type. */
export function typeName(code: number): string {
  return Code[code] ?? `type ${code}`;
}
