import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import type { Rows } from "../src/base/rows.ts";

/** Data types of MAT-files, level 5 (MATLAB's "MAT-File Format", table 1-1), as far as matrices of small integers and doubles need them. */
const readers: Readonly<
  Record<number, { readonly bytes: number; readonly read: (view: DataView, at: number) => number }>
> = {
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  4: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  5: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  6: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  7: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  9: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};
const matrixType = 14;
const compressedType = 15;
const headerBytes = 128;

/** The real matrices of a little-endian MAT-file, level 5, by name. */
export function readMatFile(path: string): Map<string, Rows> {
  return new Map([...elements(readFileSync(path).subarray(headerBytes))].flatMap(namedMatrix));
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

function namedMatrix({ type, data }: Element): [string, Rows][] {
  if (type === compressedType) return [...elements(inflateSync(data))].flatMap(namedMatrix);
  if (type !== matrixType) return [];
  const [, dimensions, name, real] = [...elements(data)];
  const [count, width] = numbersOf(dimensions);
  const columns = numbersOf(real);
  // Column after column in the file, row after row here.
  const values = Float64Array.from(columns, (_, i) => columns[(i % width) * count + Math.floor(i / width)]);
  return [[new TextDecoder().decode(name.data), { values, count, width }]];
}

function* elements(bytes: Uint8Array): Generator<Element> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const type = view.getUint32(at, true);
    // A small element keeps its size in the upper half of the type, and its data in the next four bytes.
    const isSmall = type >>> 16 !== 0;
    const size = isSmall ? type >>> 16 : view.getUint32(at + 4, true);
    const start = at + (isSmall ? 4 : 8);
    yield { type: type & 0xffff, data: bytes.subarray(start, start + size) };
    at = isSmall ? at + 8 : start + (type === compressedType ? size : Math.ceil(size / 8) * 8);
  }
}

function numbersOf({ type, data }: Element): number[] {
  const reader = readers[type];
  if (reader === undefined) throw new Error(`a MAT-file's data of type ${type} is not known here`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: data.length / reader.bytes }, (_, i) => reader.read(view, i * reader.bytes));
}
