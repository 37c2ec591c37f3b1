import { arrayOf, type DType, dtypeBytes, type TypedArray } from "./dtypes.ts";
import { GraftError } from "./errors.ts";

/** A dense array in row-major order. `bytes` may be a view into a file; `data` copies only when that view is not aligned. */
export class Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  #data: TypedArray | undefined;

  constructor(dtype: DType, shape: readonly number[], bytes: Uint8Array) {
    const expected = sizeOf(shape) * dtypeBytes[dtype];
    if (bytes.byteLength !== expected) {
      throw new GraftError(
        "model",
        `tensor of ${dtype} with shape [${shape}]: found ${bytes.byteLength} bytes, expected ${expected}.`,
      );
    }
    this.dtype = dtype;
    this.shape = shape;
    // Some platforms hand out subclasses whose `slice` does not copy.
    this.bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** A tensor over `data` itself, without a copy. */
  static of(dtype: DType, shape: readonly number[], data: TypedArray): Tensor {
    const tensor = new Tensor(dtype, shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    tensor.#data = data;
    return tensor;
  }

  static float32(shape: readonly number[], values: ArrayLike<number>): Tensor {
    return Tensor.of("float32", shape, Float32Array.from(values));
  }

  static int64(values: readonly number[]): Tensor {
    return Tensor.of("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** The elements, typed. */
  get data(): TypedArray {
    this.#data ??= typedView(this.dtype, this.bytes);
    return this.#data;
  }

  /** The elements as float32. Throws `model` for any other type. */
  get floats(): Float32Array {
    const { data } = this;
    if (data instanceof Float32Array) return data;
    throw new GraftError("model", `expected a float32 tensor, got ${this.dtype}.`);
  }

  /** The elements as plain numbers: for shapes, axes and other small integer tensors. */
  get numbers(): number[] {
    return Array.from(this.data, Number);
  }
}

/** The number of elements in `shape`. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

function typedView(dtype: DType, bytes: Uint8Array): TypedArray {
  const width = dtypeBytes[dtype];
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new arrayOf[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / width);
}
