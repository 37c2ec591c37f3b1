import { broadcastShapes, type Dim, showShape } from "../base/shapes.ts";
import { shapeError } from "../graph/infer.ts";
import { defineOp, float, int } from "../graph/operator.ts";
import type { TensorType, Value } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import { transpose } from "./transpose.ts";

/** Matrix product of the last two axes, leading axes broadcast. dA = dY·Bᵀ, dB = Aᵀ·dY. */
export const matmul = defineOp("MatMul", {
  inputs: ["a", "b"],
  weights: ["b"],
  infer: ([a, b]) => [matmulType(a, b)],
  vjp: ([dy], { inputs: [a, b] }): Value[] => [matmul(dy, swapLastTwo(b)), matmul(swapLastTwo(a), dy)],
});

/** alpha·A'·B' + beta·C on matrices, where ' is an optional transposition. */
export const gemm = defineOp("Gemm", {
  inputs: ["a", "b", "c?"],
  weights: ["b", "c?"],
  attributes: { alpha: float(1), beta: float(1), transA: int(0), transB: int(0) },
  infer: ([a, b, c], { transA, transB }) => {
    const [m, k] = matrix(a, transA);
    const [k2, n] = matrix(b, transB);
    if (k !== k2) throw shapeError("Gemm", `inner lengths ${k} and ${k2} differ`);
    if (c !== undefined && broadcastShapes(c.shape, [m, n]) === undefined) {
      throw shapeError("Gemm", `"c" of shape ${showShape(c.shape)} does not broadcast to [${m}, ${n}]`);
    }
    return [{ dtype: a.dtype, shape: [m, n] }];
  },
  vjp: ([dy], { inputs: [a, b], attributes: { alpha, beta, transA, transB } }): Value[] => [
    transA ? gemm(b, dy, { alpha, transA: transB, transB: 1 }) : gemm(dy, b, { alpha, transB: transB ? 0 : 1 }),
    transB ? gemm(dy, a, { alpha, transA: 1, transB: transA }) : gemm(a, dy, { alpha, transA: transA ? 0 : 1 }),
    beta === 1 ? dy : mul(dy, beta),
  ],
});

function matmulType(a: Value, b: Value): TensorType {
  if (a.rank < 2 || b.rank < 2) {
    throw shapeError(
      "MatMul",
      `operands of rank 2 or more expected, got ${showShape(a.shape)} and ${showShape(b.shape)}`,
    );
  }
  const leading = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [m, k] = a.shape.slice(-2);
  const [k2, n] = b.shape.slice(-2);
  if (leading === undefined || k !== k2) {
    throw shapeError("MatMul", `shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not fit`);
  }
  return { dtype: a.dtype, shape: [...leading, m, n] };
}

function matrix(x: Value, transposed: number): readonly [Dim, Dim] {
  if (x.rank !== 2) throw shapeError("Gemm", `matrices expected, got ${showShape(x.shape)}`);
  const [rows, columns] = x.shape;
  return transposed ? [columns, rows] : [rows, columns];
}

function swapLastTwo(x: Value): Value {
  const { rank } = x;
  const perm = [...Array(rank).keys()];
  perm[rank - 1] = rank - 2;
  perm[rank - 2] = rank - 1;
  return transpose(x, { perm });
}
