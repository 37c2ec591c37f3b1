import { GraftError } from "../base/errors.ts";

export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array;
}

const readers: Readonly<
  Record<string, { readonly width: number; readonly view: (buffer: ArrayBuffer) => NpyArray["data"] }>
> = {
  "|u1": { width: 1, view: (buffer) => new Uint8Array(buffer) },
  "|i1": { width: 1, view: (buffer) => new Int8Array(buffer) },
  "<i2": { width: 2, view: (buffer) => new Int16Array(buffer) },
  "<i4": { width: 4, view: (buffer) => new Int32Array(buffer) },
  "<i8": { width: 8, view: (buffer) => new BigInt64Array(buffer) },
  "<f4": { width: 4, view: (buffer) => new Float32Array(buffer) },
};

/** An array in NumPy's .npy format (versions 1–3, C order, little-endian numbers). Throws `input`. */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  const fail = (what: string) => new GraftError("input", `"${name}" is not a whole .npy array: ${what}.`);
  if (bytes.length < 12 || bytes[0] !== 0x93 || new TextDecoder().decode(bytes.subarray(1, 6)) !== "NUMPY") {
    throw fail("its header is wrong");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = bytes[6] === 1 ? 10 : 12;
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) throw fail("its header runs past the end");
  const header = new TextDecoder().decode(bytes.subarray(start, start + length));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "";
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader === undefined) throw fail(`element type "${type}"; expected one of ${Object.keys(readers).join(", ")}`);
  if (shapeText === undefined || /'fortran_order':\s*True/.test(header)) throw fail("expected a shape in C order");
  const shape = shapeText.split(",").flatMap((part) => (part.trim() === "" ? [] : [Number(part)]));
  const size = shape.reduce((a, b) => a * b, 1) * reader.width;
  if (bytes.length - start - length !== size)
    throw fail(`${bytes.length - start - length} bytes of data for [${shape}]`);
  // A copy: the data rarely lie on a multiple of their width.
  return { shape, data: reader.view(bytes.slice(start + length).buffer) };
}
