import type { DType } from "../base/dtypes.ts";
import { axisOf, broadcast } from "../graph/infer.ts";
import { defineOp, int, text } from "../graph/operator.ts";
import type { TensorType, Value } from "../graph/value.ts";
import { dtypeCode, dtypeFromCode } from "../onnx/dtypes.ts";

/** Comparisons and integer arithmetic: their results are not differentiable, so none has a gradient. */

export const greater = defineOp("Greater", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => truth("Greater", a, b),
});
export const greaterOrEqual = defineOp("GreaterOrEqual", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => truth("GreaterOrEqual", a, b),
});
export const less = defineOp("Less", { elementwise: true, inputs: ["a", "b"], infer: ([a, b]) => truth("Less", a, b) });
export const lessOrEqual = defineOp("LessOrEqual", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => truth("LessOrEqual", a, b),
});
export const equal = defineOp("Equal", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => truth("Equal", a, b),
});
export const and = defineOp("And", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => [broadcast("And", a, b)],
});

export const or = defineOp("Or", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => [broadcast("Or", a, b)],
});
export const xor = defineOp("Xor", {
  elementwise: true,
  inputs: ["a", "b"],
  infer: ([a, b]) => [broadcast("Xor", a, b)],
});

/** a ⊕ b, bit by bit, on unsigned integers. */
export const bitwiseXor = defineOp("BitwiseXor", {
  inputs: ["a", "b"],
  infer: ([a, b]) => [broadcast("BitwiseXor", a, b)],
});

/** a / 2^b, on unsigned integers. */
export const shiftRight = defineOp("BitShift", {
  inputs: ["a", "b"],
  attributes: { direction: text<string | undefined>(undefined) },
  infer: ([a, b]) => [broadcast("BitShift", a, b)],
});

/** The index of the largest entry along `axis`, the first among equals. */
export const argMax = defineOp("ArgMax", {
  inputs: ["x"],
  attributes: { axis: int(0), keepdims: int(1), select_last_index: int(0) },
  infer: ([x], { axis, keepdims }) => place("ArgMax", x, axis, keepdims),
});

/** The index of the smallest entry along `axis`, the first among equals. */
export const argMin = defineOp("ArgMin", {
  inputs: ["x"],
  attributes: { axis: int(0), keepdims: int(1), select_last_index: int(0) },
  infer: ([x], { axis, keepdims }) => place("ArgMin", x, axis, keepdims),
});

export const castOperator = defineOp("Cast", {
  elementwise: true,
  inputs: ["x"],
  attributes: { to: int(0), saturate: int(1) },
  infer: ([x], { to }) => [{ dtype: dtypeFromCode(to, "Cast"), shape: x.shape }],
  vjp: ([dy], { inputs: [x] }) => [cast(dy, x.dtype)],
});

/** `x` with another element type. */
export function cast(x: Value, dtype: DType): Value {
  return castOperator(x, { to: dtypeCode(dtype) });
}

function place(name: string, x: Value, axis: number, keepdims: number): [TensorType] {
  const at = axisOf(name, axis, x.rank);
  const kept = keepdims ? [1] : [];
  return [{ dtype: "int64", shape: [...x.shape.slice(0, at), ...kept, ...x.shape.slice(at + 1)] }];
}

function truth(name: string, a: Value, b: Value): [TensorType] {
  return [{ dtype: "bool", shape: broadcast(name, a, b).shape }];
}
