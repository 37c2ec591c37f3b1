import type { Rows } from "../base/rows.ts";
import { scalar, type Value } from "../graph/value.ts";
import { relu } from "../ops/activations.ts";
import { add, mul, sub } from "../ops/arithmetic.ts";
import { transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { reduceSum } from "../ops/reductions.ts";
import type { Compute } from "./compute.ts";
import type { Matrix } from "./matrix.ts";
import { constantMatrix, mapRows } from "./products.ts";

/** ‖aᵢ − bⱼ‖² [a.count, b.count]. */
export function squaredDistances(a: Rows, b: Matrix, compute: Compute): Promise<Matrix> {
  return mapRows(a, b.count, (x) => writeSquaredDistances(x, constantMatrix(b)), compute);
}

/** ‖xᵢ − zⱼ‖² = ‖xᵢ‖² + ‖zⱼ‖² − 2xᵢ·zⱼ as a graph: [N, width], [M, width] → [N, M], never below zero. */
export function writeSquaredDistances(x: Value, z: Value): Value {
  const squares = (rows: Value) => reduceSum(mul(rows, rows), [1], { keepdims: 1 });
  const turned = transpose(z, { perm: [1, 0] });
  const both = add(squares(x), transpose(squares(z), { perm: [1, 0] }));
  return relu(sub(both, mul(matmul(x, turned), scalar(2, x.dtype))));
}
