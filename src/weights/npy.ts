import { type DType, dtypeBytes } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { columnMajor, limitRank, makeDense, swapBytes } from "./strides.ts";

/** Element types by NumPy's kind and width. */
const dtypes = {
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  f2: "float16",
  f4: "float32",
  f8: "float64",
  b1: "bool",
} as const satisfies Record<string, DType>;

/** An array in NumPy's .npy format (versions 1–3); in C order and little-endian it is a view into `bytes`. Throws `input`. */
export function readNpy(bytes: Uint8Array, name: string): Tensor {
  const fail = (what: string) => new GraftError("input", `"${name}" is not a whole .npy array: ${what}.`);
  if (bytes.length < 12 || bytes[0] !== 0x93 || new TextDecoder().decode(bytes.subarray(1, 6)) !== "NUMPY") {
    throw fail("its header is wrong");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = bytes[6] === 1 ? 10 : 12;
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) throw fail("its header runs past the end");
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const [, order = "", type = ""] = /'descr':\s*'([<>|])(\w+)'/.exec(header) ?? [];
  if (!isKnown(type)) throw fail(`element type "${order}${type}"; expected one of ${Object.keys(dtypes).join(", ")}`);
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (shapeText === undefined) throw fail("expected a shape");
  const shape = shapeText.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  if (shape.length > limitRank) throw fail(`it has ${shape.length} axes`);
  const dtype = dtypes[type];
  const stored = bytes.subarray(start + length);
  if (stored.length !== sizeOf(shape) * dtypeBytes[dtype]) throw fail(`${stored.length} bytes of data for [${shape}]`);
  const little = order === ">" ? swapBytes(stored, dtypeBytes[dtype]) : stored;
  const isColumnMajor = /'fortran_order':\s*True/.test(header);
  const layout = { shape, strides: columnMajor(shape), offset: 0 };
  return new Tensor(dtype, shape, isColumnMajor ? makeDense(little, dtypeBytes[dtype], layout) : little);
}

function isKnown(type: string): type is keyof typeof dtypes {
  return Object.hasOwn(dtypes, type);
}
