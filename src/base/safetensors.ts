import { widenBfloat16 } from "./bfloat16.ts";
import { type DType, dtypeBytes } from "./dtypes.ts";
import { duplicateKey } from "./duplicateKey.ts";
import { GraftError, messageOf } from "./errors.ts";
import { sizeOf, Tensor } from "./tensor.ts";

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
/** Brain floats have no element type here: they are widened when read. */
type Code = keyof typeof dtypes | "BF16";
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

/**
 * Reads a safetensors file; tensors are views into `bytes`, but for bfloat16, which becomes float32. Throws `model` naming `fileName` for
 * anything malformed: a header longer than the file or than 100 MB, a key given twice, tensors that overlap or leave gaps.
 */
export function decodeSafetensors(bytes: Uint8Array, fileName: string): SafetensorsFile {
  const fail = (what: string) => new GraftError("model", `"${fileName}" is not a whole safetensors file: ${what}.`);
  if (bytes.length < 8) throw fail(`${bytes.length} bytes are too few`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(bytes.length - 8, headerLimitBytes))) throw fail(`its header claims ${length} bytes`);
  const start = 8 + Number(length);
  const { __metadata__: metadata, ...header } = parseHeader(bytes.subarray(8, start), fail);
  const entries = Object.entries(header).map(([name, entry]) => parseEntry(name, entry, fail));
  checkOffsets(entries, bytes.length - start, fail);
  const tensors = new Map<string, Tensor>();
  for (const { name, code, shape, from, to } of entries) {
    tensors.set(name, tensorOf(code, shape, bytes.subarray(start + from, start + to)));
  }
  return { tensors, metadata: parseMetadata(metadata, fail) };
}

type Fail = (what: string) => GraftError;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const header: unknown = JSON.parse(text);
    const twice = duplicateKey(text);
    if (twice !== undefined) throw fail(`its header gives "${twice}" twice`);
    if (isObject(header)) return header;
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw fail(`its header is not JSON (${messageOf(error)})`);
  }
  throw fail("its header is not an object");
}

function parseMetadata(metadata: unknown, fail: Fail): Record<string, string> {
  if (metadata === undefined) return {};
  if (!isObject(metadata)) throw fail("its metadata are not an object");
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, String(value)]));
}

interface Entry {
  readonly name: string;
  readonly code: Code;
  readonly shape: readonly number[];
  /** Of its bytes, counted from the end of the header. */
  readonly from: number;
  readonly to: number;
}

function parseEntry(name: string, entry: unknown, fail: Fail): Entry {
  const { dtype: code, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (!isCode(code)) throw fail(`"${name}" has the unknown type ${JSON.stringify(code)}`);
  if (!isSizes(shape)) throw fail(`"${name}" has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw fail(`"${name}" has no valid offsets`);
  const [from = 0, to = 0] = offsets;
  const width = code === "BF16" ? 2 : dtypeBytes[dtypes[code]];
  if (sizeOf(shape) * width !== to - from) throw fail(`"${name}" has ${to - from} bytes for ${code} [${shape}]`);
  return { name, code, shape, from, to };
}

/** The tensors, in the order of their bytes, must fill the rest of the file. */
function checkOffsets(entries: readonly Entry[], size: number, fail: Fail): void {
  let expected = 0;
  for (const { name, from, to } of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== expected || to > size) throw fail(`the offsets of "${name}" overlap, leave a gap or run past the end`);
    expected = to;
  }
  if (expected !== size) throw fail(`${size - expected} bytes belong to no tensor`);
}

function tensorOf(code: Code, shape: readonly number[], bytes: Uint8Array): Tensor {
  return code === "BF16" ? new Tensor("float32", shape, widenBfloat16(bytes)) : new Tensor(dtypes[code], shape, bytes);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCode(value: unknown): value is Code {
  return value === "BF16" || (typeof value === "string" && Object.hasOwn(dtypes, value));
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
