import { sizeOf } from "../base/tensor.ts";
import { expand, keptShape, reduced, reduceSum, reshape } from "../graph/coreOperators.ts";
import { defineOp, int } from "../graph/operator.ts";
import { mul } from "./arithmetic.ts";

export { reduceSum };

/** Mean over `axes` (all when left out). */
export const reduceMean = defineOp("ReduceMean", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceMean", x, axes, keepdims)],
  vjp: ([dy], { inputs: [x, axes], outputs: [y] }) => {
    const count = sizeOf(x.staticShape) / Math.max(1, sizeOf(y.staticShape));
    const kept = reshape(mul(dy, 1 / count), keptShape("ReduceMean", x, axes));
    return [expand(kept, x.staticShape)];
  },
});

/** Largest entry over `axes`. Its gradient is not needed yet: it serves augmentation and checks. */
export const reduceMax = defineOp("ReduceMax", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceMax", x, axes, keepdims)],
});

/** Smallest entry over `axes`. */
export const reduceMin = defineOp("ReduceMin", {
  inputs: ["x", "axes?"],
  attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
  infer: ([x, axes], { keepdims }) => [reduced("ReduceMin", x, axes, keepdims)],
});
