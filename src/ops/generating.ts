import type { Tensor } from "../base/tensor.ts";
import { numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, type Field } from "../graph/operator.ts";

/** Operators whose results depend on no float operand: none has a gradient. */

const tensor: Field<Tensor | undefined> = { type: "tensor", default: undefined };

/** start, start + delta, … up to but without limit. */
export const range = defineOp("Range", {
  inputs: ["start", "limit", "delta"],
  infer: ([start, limit, delta]) => {
    const [from, to, step] = [start, limit, delta].map(
      (x, i) => numbersOf("Range", x, ["start", "limit", "delta"][i])[0],
    );
    if (step === 0) throw shapeError("Range", "a delta of 0");
    return [{ dtype: start.dtype, shape: [Math.max(0, Math.ceil((to - from) / step))] }];
  },
});

/** One number in a constant shape; float32 0 when left out. */
export const constantOfShape = defineOp("ConstantOfShape", {
  inputs: ["shape"],
  attributes: { value: tensor },
  infer: ([shape], { value }) => [
    { dtype: value?.dtype ?? "float32", shape: numbersOf("ConstantOfShape", shape, "shape") },
  ],
});

/** The number of elements, an int64 scalar. */
export const size = defineOp("Size", { inputs: ["x"], infer: () => [{ dtype: "int64", shape: [] }] });
