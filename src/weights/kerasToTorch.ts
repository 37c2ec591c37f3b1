import { dtypeBytes } from "../base/dtypes.ts";
import { Tensor } from "../base/tensor.ts";
import { makeDense, rowMajor } from "./strides.ts";

interface Rule {
  /** PyTorch's name for Keras' last one. */
  readonly name: string;
  /** Axes of Keras' array in the order of PyTorch's; by default they stay. */
  readonly axes?: readonly number[];
}

const rules: Readonly<Record<string, Rule>> = {
  // [in, out] → [out, in] of a dense layer; [h, w, in, out] → [out, in, h, w] of a convolution is told by the rank.
  kernel: { name: "weight", axes: [1, 0] },
  gamma: { name: "weight" },
  beta: { name: "bias" },
  bias: { name: "bias" },
  moving_mean: { name: "running_mean" },
  moving_variance: { name: "running_var" },
  pointwise_kernel: { name: "pointwise.weight", axes: [1, 0] },
};

/**
 * Weights by Keras' names and in its channels-last layouts (`conv1/kernel`) as PyTorch names and lays them out (`conv1.weight`):
 * kernels [h, w, in, out] → [out, in, h, w], depthwise ones [h, w, in, multiplier] → [in·multiplier, 1, h, w], dense [in, out] → [out, in].
 * Keras 3 calls depthwise kernels "kernel", too: those with one output are taken for such. Other tensors keep their last name.
 */
export function kerasToTorch(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  return new Map([...tensors].map(([path, tensor]) => convert(path, tensor)));
}

function convert(path: string, tensor: Tensor): readonly [string, Tensor] {
  const parts = path.split("/");
  const last = parts.pop() ?? "";
  const named = (name: string) => [...parts, name].join(".");
  if (isDepthwise(last, tensor.shape)) {
    const [height = 0, width = 0, channels = 0, multiplier = 0] = tensor.shape;
    return [named("weight"), permuted(tensor, [2, 3, 0, 1], [channels * multiplier, 1, height, width])];
  }
  const { name = last, axes } = Object.hasOwn(rules, last) ? (rules[last] ?? {}) : {};
  if (axes === undefined) return [named(name), tensor];
  return [named(name), permuted(tensor, tensor.shape.length === 4 ? [3, 2, 0, 1] : axes)];
}

function isDepthwise(name: string, shape: readonly number[]): boolean {
  return shape.length === 4 && (name === "depthwise_kernel" || (name === "kernel" && shape[3] === 1));
}

/** The axes in another order; nothing changes where their number is another. */
function permuted(tensor: Tensor, axes: readonly number[], shape?: readonly number[]): Tensor {
  if (tensor.shape.length !== axes.length) return tensor;
  const strides = rowMajor(tensor.shape);
  const pick = (values: readonly number[]) => axes.map((axis) => values[axis] ?? 0);
  const layout = { shape: pick(tensor.shape), strides: pick(strides), offset: 0 };
  return new Tensor(tensor.dtype, shape ?? layout.shape, makeDense(tensor.bytes, dtypeBytes[tensor.dtype], layout));
}
