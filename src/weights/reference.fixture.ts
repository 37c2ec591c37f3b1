import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Tensor } from "../base/tensor.ts";

export const references = join(import.meta.dirname, "../../test/reference/weights");

export function reference(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(references, name)));
}

interface Known {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Integers as text. */
  readonly values: readonly (number | string)[];
}

/** What PyTorch says of the tensors that all formats hold. */
export const known: Readonly<Record<string, Known>> = JSON.parse(new TextDecoder().decode(reference("tensors.json")));

/** A tensor in the terms of `known`. */
export function described({ dtype, shape, data, bytes }: Tensor): Known {
  if (dtype === "float16") return { dtype, shape, values: Array.from(new Uint16Array(bytes.slice().buffer), fromHalf) };
  const values = dtype.startsWith("float") ? Array.from(data, Number) : Array.from(data, String);
  return { dtype, shape, values };
}

/** The formula of IEEE 754 for normal numbers and zero, which the references keep to. */
function fromHalf(bits: number): number {
  const magnitude = (bits & 0x7fff) === 0 ? 0 : (1 + (bits & 0x3ff) / 1024) * 2 ** (((bits >> 10) & 31) - 15);
  return bits & 0x8000 ? -magnitude : magnitude;
}
