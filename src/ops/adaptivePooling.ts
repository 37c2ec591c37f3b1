import { constantOf, type Value } from "../graph/value.ts";
import { matmul } from "./products.ts";

/**
 * Means over height × width windows that cover x [N, C, H, W] whatever its size, PyTorch's `AdaptiveAvgPool2d`:
 * window i of n reaches from ⌊i·H/n⌋ to ⌈(i+1)·H/n⌉. No operator of ONNX; each axis is a product with a constant matrix.
 *
 * @returns [N, C, height, width]
 */
export function adaptiveAveragePool(x: Value, height: number, width: number): Value {
  const [h, w] = [Number(x.shape[2]), Number(x.shape[3])];
  const rows = h === height ? x : matmul(constantOf("float32", [height, h], windowMeans(h, height)), x);
  if (w === width) return rows;
  const columns = windowMeans(w, width);
  const transposed = Array.from({ length: w * width }, (_, at) => columns[(at % width) * w + Math.floor(at / width)]);
  return matmul(rows, constantOf("float32", [w, width], transposed));
}

/** The matrix [count, length] whose row i takes the mean of window i. */
function windowMeans(length: number, count: number): readonly number[] {
  return Array.from({ length: count * length }, (_, at) => {
    const i = Math.floor(at / length);
    const start = Math.floor((i * length) / count);
    const end = Math.ceil(((i + 1) * length) / count);
    return at % length >= start && at % length < end ? 1 / (end - start) : 0;
  });
}
