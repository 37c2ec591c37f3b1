import type { DType } from "../base/dtypes.ts";
import type { ErrorCode } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { CompileOptions, DeviceName, DeviceWish, Feeds } from "../platform/platform.ts";

/** A tensor as plain data that threads can pass. */
export interface PlainTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export type PlainTensors = Readonly<Record<string, PlainTensor>>;

/** What a thread of engines is started with. */
export interface EngineThreadOptions {
  readonly threads: number;
  readonly device: DeviceWish;
}

/** What a thread of engines is asked; `program` is a number of the asker's choice. */
export type EngineRequest =
  | { readonly kind: "device" }
  | { readonly kind: "compile"; readonly program: number; readonly model: Uint8Array; readonly options: CompileOptions }
  | { readonly kind: "run"; readonly program: number; readonly feeds: PlainTensors; readonly into: PlainTensors }
  | { readonly kind: "dispose"; readonly program: number };

export type EngineReply =
  | { readonly kind: "device"; readonly device: DeviceName }
  | { readonly kind: "compiled"; readonly inputNames: readonly string[]; readonly outputNames: readonly string[] }
  | { readonly kind: "outputs"; readonly outputs: PlainTensors }
  | { readonly kind: "disposed" }
  | { readonly kind: "failed"; readonly code: ErrorCode | undefined; readonly message: string };

export function toPlain(tensors: Feeds): PlainTensors {
  const plain = ({ dtype, shape, bytes }: Tensor): PlainTensor => ({ dtype, shape, bytes: alone(bytes) });
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, plain(tensor)]));
}

export function fromPlain(tensors: PlainTensors): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => [name, new Tensor(dtype, shape, bytes)]),
  );
}

/** Threads would otherwise copy all of the memory that a view looks at. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
