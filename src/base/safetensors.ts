import type { DType } from "./dtypes.ts";
import { GraftError, messageOf } from "./errors.ts";
import { Tensor } from "./tensor.ts";

/** Element types by their names in the safetensors format. */
const dtypes = {
  F32: "float32",
  F16: "float16",
  F64: "float64",
  I8: "int8",
  U8: "uint8",
  I16: "int16",
  U16: "uint16",
  I32: "int32",
  U32: "uint32",
  I64: "int64",
  U64: "uint64",
  BOOL: "bool",
} as const satisfies Record<string, DType>;
const codes = new Map(Object.entries(dtypes).map(([code, dtype]) => [dtype, code]));

/** Headers beyond this are refused, as in the reference implementation. */
const headerLimitBytes = 100_000_000;

export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The parts of a safetensors file, to be written one after another: length of the header, header, tensors in the given order.
 * Equal content gives equal bytes.
 */
export function encodeSafetensors({ tensors, metadata }: SafetensorsFile): readonly Uint8Array[] {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype: codes.get(dtype), shape, data_offsets: [offset, offset + bytes.byteLength] };
    offset += bytes.byteLength;
  }
  const text = JSON.stringify(header);
  // Spaces bring the tensors to a multiple of 8, so that they can be viewed in place.
  const encoded = new TextEncoder().encode(text);
  const padded = new Uint8Array(Math.ceil(encoded.length / 8) * 8).fill(0x20);
  padded.set(encoded);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  return [length, padded, ...[...tensors.values()].map(({ bytes }) => bytes)];
}

/** Reads a safetensors file; tensors are views into `bytes`. Throws `model` naming `fileName` for anything malformed. */
export function decodeSafetensors(bytes: Uint8Array, fileName: string): SafetensorsFile {
  const fail = (what: string) => new GraftError("model", `"${fileName}" is not a whole safetensors file: ${what}.`);
  if (bytes.length < 8) throw fail(`${bytes.length} bytes are too few`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(bytes.length - 8, headerLimitBytes))) throw fail(`its header claims ${length} bytes`);
  const start = 8 + Number(length);
  const header = parseHeader(bytes.subarray(8, start), fail);
  const metadata: Record<string, string> = {};
  const tensors = new Map<string, Tensor>();
  let expected = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      for (const [key, value] of Object.entries(entry as object)) metadata[key] = String(value);
      continue;
    }
    const { dtype, shape, from, to } = parseEntry(name, entry, fail);
    if (from !== expected || to < from || start + to > bytes.length)
      throw fail(`the offsets of "${name}" overlap or run past the end`);
    expected = to;
    tensors.set(name, new Tensor(dtype, shape, bytes.subarray(start + from, start + to)));
  }
  if (start + expected !== bytes.length) throw fail(`${bytes.length - start - expected} bytes belong to no tensor`);
  return { tensors, metadata };
}

type Fail = (what: string) => GraftError;

function parseHeader(bytes: Uint8Array, fail: Fail): object {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof header === "object" && header !== null && !Array.isArray(header)) return header;
  } catch (error) {
    throw fail(`its header is not JSON (${messageOf(error)})`);
  }
  throw fail("its header is not an object");
}

function parseEntry(name: string, entry: unknown, fail: Fail) {
  const { dtype: code, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const dtype = typeof code === "string" && code in dtypes ? dtypes[code as keyof typeof dtypes] : undefined;
  if (dtype === undefined) throw fail(`"${name}" has the unknown type ${String(code)}`);
  if (!isSizes(shape)) throw fail(`"${name}" has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw fail(`"${name}" has no valid offsets`);
  return { dtype, shape, from: offsets[0] as number, to: offsets[1] as number };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
