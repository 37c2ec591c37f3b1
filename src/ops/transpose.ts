import { shapeError } from "../graph/infer.ts";
import { defineOp, ints } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";

/** Reorders axes: output axis i is input axis perm[i]; all reversed when left out. */
export const transpose = defineOp("Transpose", {
  inputs: ["x"],
  attributes: { perm: ints<readonly number[] | undefined>(undefined) },
  infer: ([x], { perm }) => {
    const order = permutation(x, perm);
    if (new Set(order).size !== x.rank || order.some((axis) => axis < 0 || axis >= x.rank)) {
      throw shapeError("Transpose", `[${order}] is not a permutation of the axes of [${x.shape}]`);
    }
    return [{ dtype: x.dtype, shape: order.map((axis) => x.shape[axis]) }];
  },
  vjp: ([dy], { inputs: [x], attributes: { perm } }): Value[] => {
    const inverse: number[] = [];
    permutation(x, perm).forEach((axis, i) => {
      inverse[axis] = i;
    });
    return [transpose(dy, { perm: inverse })];
  },
});

function permutation(x: Value, perm: readonly number[] | undefined): readonly number[] {
  return perm ?? [...x.shape.keys()].reverse();
}
